//! Models that the runtime itself offers, by the binding `AI`: they need no key of ours. What is asked of them is their vendor's translation;
//! here is how it is asked.
//!
//! The bindings' own type takes no options, and neither a socket nor an end to a request can be had without them.

use js_sys::{JSON, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{AbortSignal, Env, Response};

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub model: &'static str,
    /// A JSON object.
    pub inputs: String,
}

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    type Binding;

    #[wasm_bindgen(method, catch)]
    fn run(
        this: &Binding,
        model: &str,
        inputs: &JsValue,
        options: &Object,
    ) -> Result<Promise, JsValue>;
}

/// The binding.
#[derive(Clone)]
pub(crate) struct WorkersAi(Binding);

impl WorkersAi {
    /// None: the worker has no such binding.
    pub(crate) fn of(env: &Env) -> Option<Self> {
        let binding = Reflect::get(env, &"AI".into()).ok()?;
        binding
            .is_object()
            .then(|| Self(binding.unchecked_into::<Binding>()))
    }

    /// Asks for an answer with a body.
    pub(crate) async fn answer(&self, run: &Run, signal: &AbortSignal) -> worker::Result<Response> {
        self.ask(run, "returnRawResponse", signal).await
    }

    /// Asks for a socket.
    pub(crate) async fn socket(&self, run: &Run, signal: &AbortSignal) -> worker::Result<Response> {
        self.ask(run, "websocket", signal).await
    }

    /// The binding keeps the options of the last request, whosever that was; with either of these it gives the whole response.
    async fn ask(&self, run: &Run, way: &str, signal: &AbortSignal) -> worker::Result<Response> {
        let inputs = JSON::parse(&run.inputs)?;
        let options = Object::new();
        Reflect::set(&options, &way.into(), &JsValue::TRUE)?;
        Reflect::set(&options, &"signal".into(), signal)?;
        let answer = JsFuture::from(self.0.run(run.model, &inputs, &options)?).await?;
        let answer: web_sys::Response = answer
            .dyn_into()
            .map_err(|_| worker::Error::from("no response"))?;
        Ok(answer.into())
    }
}
