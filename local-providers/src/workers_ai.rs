//! Cloudflare's binding for models, which a worker asks by `env.AI.run(model, inputs, options)`.
//!
//! The binding makes one request of it to one address: the model is in a header, inputs and options are a JSON document, in the query for a
//! socket and in the body otherwise. Miniflare's proxy brings that here with the first address and every header under names
//! of its own. The models are Deepgram's, and so are their messages; there is no key.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::deepgram::socket::Knock;
use crate::deepgram::{BadRequest, Query, flux, listen, speak_rest};
use crate::log::Service;
use crate::server::Shared;
use crate::valve::Valve;

/// Where miniflare's proxy is told to bring requests.
pub(crate) const PATH: &str = "/workers-ai";

/// Where the proxy says what address the binding asked.
const ADDRESS: &str = "mf-url";

/// Where it says which model the binding named.
const MODEL: &str = "mf-header-cf-consn-model-id";

/// A recogniser.
pub(crate) async fn listen(State(shared): State<Arc<Shared>>, knock: Knock) -> Response {
    let address = text(knock.headers(), ADDRESS);
    let (_, query) = address.split_once('?').unwrap_or_default();
    let body = Query::parse(Some(query));
    let asked = Asked::parse(body.first("body").unwrap_or_default().as_bytes());
    let model = text(knock.headers(), MODEL).to_owned();
    let (query, refused) = match asked.and_then(|asked| asked.words()) {
        Ok(query) => (query, None),
        Err(error) => (Query::default(), Some(error)),
    };
    let accept = |error: Option<BadRequest>| error.map_or(Ok(()), Err);
    if model == "@cf/deepgram/flux" {
        let knock = knock.without_key(query.with("model", "flux-general-en"));
        let parse = move |query: &Query| {
            accept(refused)?;
            if query.first("encoding") != Some("linear16") {
                return Err(BadRequest::new("encoding must be linear16."));
            }
            flux::Options::parse(query)
        };
        return knock
            .open(shared, Service::AiListen, parse, flux::talk)
            .await;
    }
    // Any other name is one that the recogniser does not know either.
    let name = model.strip_prefix("@cf/deepgram/").unwrap_or("none");
    let knock = knock.without_key(query.with("model", name));
    let parse = move |query: &Query| {
        accept(refused)?;
        if let Some(name) = query.names().find(|name| !NOVA.contains(name)) {
            return Err(BadRequest::new(format!("{name} is not an input.")));
        }
        listen::Options::parse(query)
    };
    knock
        .open(shared, Service::AiListen, parse, listen::talk)
        .await
}

/// A voice.
pub(crate) async fn speak(
    State(shared): State<Arc<Shared>>,
    valve: Valve,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let model = text(&headers, MODEL);
    let language = model.strip_prefix("@cf/deepgram/aura-2-");
    let asked = Asked::parse(&body);
    let (query, said) = match (asked, language) {
        (Ok(asked), Some(language)) => {
            let speaker = asked.input("speaker").unwrap_or_else(|| "luna".to_owned());
            let mut query = Query::default().with("model", format!("aura-2-{speaker}-{language}"));
            for name in ["encoding", "container", "sample_rate"] {
                if let Some(value) = asked.input(name) {
                    query = query.with(name, value);
                }
            }
            let said = asked.input("text").unwrap_or_default();
            (query, speak_rest::pronounceable(said))
        }
        (Err(error), _) => (Query::default(), Err(error)),
        (Ok(_), None) => (
            Query::default(),
            Err(BadRequest::with(
                StatusCode::BAD_REQUEST,
                "Bad Request",
                "No such model or task.",
            )),
        ),
    };
    speak_rest::answer(&shared, Service::AiSpeak, &valve, &query, said).await
}

/// What `run` was given. Its options are the binding's own affair.
#[derive(Deserialize)]
struct Asked {
    inputs: Map<String, Value>,
}

impl Asked {
    fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        serde_json::from_slice(body).map_err(|_| BadRequest::new("There are no inputs."))
    }

    /// One input, as a query has it.
    fn input(&self, name: &str) -> Option<String> {
        match self.inputs.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The inputs of a socket, which are strings.
    fn words(self) -> Result<Query, BadRequest> {
        self.inputs
            .into_iter()
            .try_fold(Query::default(), |query, (name, value)| match value {
                Value::String(text) => Ok(query.with(&name, text)),
                _ => Err(BadRequest::new(format!("{name} must be a string."))),
            })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// The inputs of the recogniser that does not judge turns, and the model's own name.
const NOVA: [&str; 16] = [
    "channels",
    "dictation",
    "diarize",
    "encoding",
    "endpointing",
    "interim_results",
    "keyterm",
    "language",
    "mip_opt_out",
    "model",
    "numerals",
    "punctuate",
    "sample_rate",
    "smart_format",
    "utterance_end_ms",
    "vad_events",
];
