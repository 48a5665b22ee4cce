//! `GET /openai/v1/models`: which models there are. A client may ask for it only to open its connection early.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::{authorise, planned, refuse};
use crate::body::{page, whole};
use crate::log::Service;
use crate::server::{Admission, Shared};
use crate::valve::Valve;

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    valve: Valve,
    headers: HeaderMap,
) -> Response {
    let Admission {
        mut exchange,
        script,
        mut trouble,
        ..
    } = shared.admit(Service::Models, Value::Null, &valve);
    trouble.before_answer(&mut exchange).await;
    let refusal = authorise(&headers, shared.groq_key.as_deref()).err();
    let refusal = refusal.or_else(|| planned(&trouble, ""));
    if let Some(refusal) = refusal {
        return refuse(exchange, &refusal);
    }
    if let Some(page) = page(&mut exchange, &mut trouble) {
        return page;
    }
    let withdrawn = &script.settings.withdrawn_models;
    let offered = MODELS.iter().filter(|model| {
        let id = model.id;
        !withdrawn.iter().any(|withdrawn| withdrawn == id)
    });
    let data: Vec<Value> = offered.map(Model::to_json).collect();
    let list = json!({ "object": "list", "data": data }).to_string();
    let mut response = Response::new(whole(exchange, trouble, list.into_bytes()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

struct Model {
    id: &'static str,
    owner: &'static str,
    context: u32,
    answer_most: u32,
}

impl Model {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "model",
            "created": CREATED,
            "owned_by": self.owner,
            "active": true,
            "context_window": self.context,
            "public_apps": null,
            "max_completion_tokens": self.answer_most,
        })
    }
}

/// The models that are asked for by name here. Others are answered as well: a product may name one that is newer.
const MODELS: [Model; 3] = [
    Model {
        id: "openai/gpt-oss-120b",
        owner: "OpenAI",
        context: 131_072,
        answer_most: 65_536,
    },
    Model {
        id: "openai/gpt-oss-20b",
        owner: "OpenAI",
        context: 131_072,
        answer_most: 65_536,
    },
    Model {
        id: "qwen/qwen3.8-27b",
        owner: "Alibaba Cloud",
        context: 131_072,
        answer_most: 40_960,
    },
];

/// Stands for the day of release, which nobody reads.
const CREATED: u64 = 1_754_408_224;
