//! `Call`: one Durable Object for each call, named by the call's id.
//!
//! Stored, in the object's own SQLite (`record`):
//! - `call`, one row: whose call it is, when it began and ended and how, and whether the record has been delivered;
//! - `exchange`, one row for each finished turn.
//!
//! Order: the `call` row is written before the socket is accepted, so a ticket opens one call at most; an `exchange` is
//! written before anybody is told that the turn is over; `ended_at` is written before the alarm that delivers the record to D1;
//! `delivered` only after D1 has accepted it. What is stored is dropped an hour after that.
//!
//! Requests are [`CallRequest`]s. The object holds the call's sockets and nothing of another call.

mod browser;
mod driver;
mod greeting;
mod model;
mod recogniser;
mod record;
mod voice;

use serde::{Deserialize, Serialize};
use voice_core::conversation::Input;
use voice_core::turn::ForTurn;
use worker::{
    DurableObject, Env, Headers, Request, Response, Result, State, WebSocketPair, durable_object,
};

use crate::clock::unix_millis;
use crate::problem::Problem;
use crate::providers::socket::SocketEvent;
use crate::settings::Settings;
use crate::site::Site;
use futures_channel::mpsc::UnboundedSender;
use record::Record;
use voice::RestEvent;

/// What the worker asks of a call's object. It travels in a header of the internal request, which no client can reach.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CallRequest {
    /// Open the call for the browser whose upgrade this is.
    Open { call: String, site: String },
}

const REQUEST_HEADER: &str = "voxanne-request";

impl CallRequest {
    /// Puts the request into the headers of an upgrade for the object.
    pub fn to_upgrade(&self) -> Result<Headers> {
        let headers = Headers::new();
        headers.set("Upgrade", "websocket")?;
        headers.set(REQUEST_HEADER, &serde_json::to_string(self)?)?;
        Ok(headers)
    }

    fn read(request: &Request) -> Option<Self> {
        let text = request.headers().get(REQUEST_HEADER).ok()??;
        serde_json::from_str(&text).ok()
    }
}

/// One call.
#[durable_object]
pub struct Call {
    state: State,
    env: Env,
}

impl DurableObject for Call {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(CallRequest::Open { call, site }) = CallRequest::read(&request) else {
            return Problem::not_found().into_response();
        };
        let settings = match Settings::from_lookup(|name| crate::lookup(&self.env, name)) {
            Ok(settings) => settings,
            Err(error) => return Problem::settings(&error).into_response(),
        };
        let Some(site) = Site::find(&site) else {
            return Problem::not_found().into_response();
        };
        let record = Record::new(self.state.storage());
        if !record.open(&call, site.id, unix_millis()).await? {
            return Problem::used_ticket().into_response();
        }
        let pair = WebSocketPair::new()?;
        driver::start(driver::Parts {
            call,
            site,
            settings,
            record,
            browser: pair.server,
        })?;
        Response::from_websocket(pair.client)
    }

    async fn alarm(&self) -> Result<Response> {
        Record::new(self.state.storage()).deliver(&self.env).await?;
        Response::empty()
    }
}

/// Something that happened to a provider, on its way to the driver's loop.
enum Fact {
    Input(Input),
    Recogniser(u32, SocketEvent),
    Rest(ForTurn<RestEvent>),
    Voice(u32, SocketEvent),
}

/// Where the tasks of a call put what they learn. The queue is as long as what arrived since the loop last ran;
/// each source is bounded: audio by the reply's length, words by the model's limit.
#[derive(Clone)]
struct Facts(UnboundedSender<Fact>);

impl Facts {
    fn tell(&self, input: Input) {
        self.send(Fact::Input(input));
    }

    fn send(&self, fact: Fact) {
        // The loop is gone: the call is over, and so is the interest in facts.
        let _ = self.0.unbounded_send(fact);
    }
}
