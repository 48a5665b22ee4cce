//! The right to open one call, asked of the edge over HTTP so that the page's origin is checked before a socket exists.

use js_sys::{JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

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
        let request = RequestInit::from(JsValue::from(object(&[
            ("method", "POST".into()),
            (
                "headers",
                object(&[("content-type", "application/json".into())]).into(),
            ),
            ("body", wanted.into()),
        ])));
        let window = web_sys::window().ok_or(Failure::Unreachable)?;
        let address = [server, "/api/tickets"].concat();
        let response = JsFuture::from(window.fetch_with_str_and_init(&address, &request))
            .await
            .map_err(|_| Failure::Unreachable)?;
        let response: Response = response.unchecked_into();
        if !response.ok() {
            return Err(Failure::of_ticket(response.status()));
        }
        let text = response.text().map_err(|_| Failure::Protocol)?;
        let text = JsFuture::from(text).await.map_err(|_| Failure::Protocol)?;
        let text = text.as_string().ok_or(Failure::Protocol)?;
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
