//! The right to open one call, asked of the edge over HTTP so that the page's origin is checked before a socket exists.

use gloo_net::http::Request;
use js_sys::{JSON, Reflect};
use wasm_bindgen::JsValue;

use crate::failure::Failure;
use crate::listener::object;
use crate::{marks, socket};

#[derive(Debug)]
pub(crate) struct Ticket {
    text: String,
    good_until: f64,
}

impl Ticket {
    pub(crate) async fn ask(server: &str, site: &str) -> Result<Self, Failure> {
        let asked = marks::now();
        let wanted = object(&[("site", site.into())]);
        let wanted = JSON::stringify(&wanted).map_err(|_| Failure::Protocol)?;
        let response = Request::post(&[server, "/api/tickets"].concat())
            .header("content-type", "application/json")
            .body(wanted)
            .map_err(|_| Failure::Unreachable)?
            .send()
            .await
            .map_err(|_| Failure::Unreachable)?;
        if !response.ok() {
            return Err(Failure::of_ticket(response.status()));
        }
        let text = response.text().await.map_err(|_| Failure::Protocol)?;
        let given = JSON::parse(&text).map_err(|_| Failure::Protocol)?;
        let field = |name: &str| Reflect::get(&given, &name.into()).unwrap_or(JsValue::NULL);
        let (Some(text), Some(seconds)) =
            (field("ticket").as_string(), field("expires_in").as_f64())
        else {
            return Err(Failure::Protocol);
        };
        Ok(Self {
            text,
            good_until: asked + 1_000.0 * seconds - MARGIN,
        })
    }

    /// Whether it still opens a call: somebody may have thought for long about the browser's question.
    pub(crate) fn is_good(&self) -> bool {
        marks::now() < self.good_until
    }

    /// Where the call's socket is.
    pub(crate) fn address(&self, server: &str) -> String {
        socket::address(server, "ticket", &self.text)
    }
}

/// Milliseconds in which a socket should have opened.
const MARGIN: f64 = 5_000.0;
