//! The connection to the model's host, opened before there is anything to ask.

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use worker::{AbortController, AbortSignal, Fetch, Headers, Method, Request, RequestInit};

use crate::clock::within;
use crate::providers::Handshake;
use crate::providers::groq_llm::Groq;

/// How long that may take. Nobody waits for it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// The connection to the model's host, opened before there is anything to ask: the first answer of a call then waits for
/// neither its address nor its handshakes. Dropping it gives up.
pub(in crate::call) struct Warming {
    task: AbortHandle,
    fetch: Option<AbortController>,
}

impl Warming {
    /// What the host answers is of no interest, and nothing depends on it.
    pub(in crate::call) fn start(groq: &Groq) -> Self {
        let fetch = AbortController::default();
        let signal = fetch.signal();
        let handshake = groq.handshake();
        let (work, task) = abortable(async move {
            let knocked = within(PATIENCE, knock(handshake, &signal)).await;
            if !matches!(knocked, Some(Ok(_))) {
                worker::console_warn!("the model's host was not reached early");
            }
        });
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the call is over.
            let _ = work.await;
        });
        Self {
            task,
            fetch: Some(fetch),
        }
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(fetch) = self.fetch.take() {
            fetch.abort();
        }
    }
}

/// Sends a request and drops the answer, but not before its end: a connection with half an answer on it is closed, and a whole
/// one leaves it for the next request.
async fn knock(handshake: Handshake, signal: &AbortSignal) -> worker::Result<()> {
    let headers = Headers::new();
    for (name, value) in &handshake.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let mut response = Fetch::Request(Request::new_with_init(&handshake.url, &init)?)
        .send_with_signal(signal)
        .await?;
    let mut body = response.stream()?;
    while let Some(chunk) = body.next().await {
        chunk?;
    }
    Ok(())
}
