//! `Call`: one Durable Object for each call, named by the call's id.
//!
//! Stored, in the object's own SQLite (`record`):
//! - `call`, one row: whose call it is, when it began and ended and how, and whether the record has been delivered;
//! - `exchange`, one row for each finished turn; `open`, one row: what the caller has said to open the turn that has begun;
//! - `run`, one row for each thing that was done for the caller; and `cost`, one row: what the providers were asked for.
//!
//! Order: the `call` row is written, with `connected` set, before the caller's socket is accepted, so a ticket opens one call at
//! most; an `exchange` is written before anybody is told that the turn is over; `ended_at` is written before the alarm that
//! delivers the record to D1; `delivered` only after D1 has accepted it. What was said and
//! done is dropped at that moment, the rest an hour later.
//!
//! An alarm looks after the call each half minute. One that finds no driver (the object was restarted) notes that in `lost_at`, and the next one
//! delivers what there is, unless the browser has come back in between: then the call goes on from what is stored.
//!
//! Requests are [`CallRequest`]s. A browser's call begins with `Open`. A telephone call begins with `Ring`, while the telephone
//! company still connects the caller; its media stream follows as `Stream`. The object holds the call's sockets and
//! nothing of another call.

mod browser;
mod caller;
mod desk;
mod door;
mod driver;
mod live;
mod model;
pub(crate) mod phrases;
mod recogniser;
mod record;
mod tally;
mod telephone;
mod voice;
mod watch;

use std::cell::RefCell;

use futures_channel::mpsc::UnboundedSender;
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
use crate::site;
use crate::twilio::{CallSid, StreamSid};
use caller::Caller;
use driver::Parts;
use record::{Care, Door, Opening, Record, Ringing, Stored};
use voice::RestEvent;

/// What the worker asks of a call's object. It travels in a header of the internal request, which no client can reach.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CallRequest {
    /// Open the call for the browser whose upgrade this is.
    Open {
        call: String,
        site: String,
        /// The right to go on with the call on another line.
        resume: String,
    },
    /// Go on with the call for the browser whose upgrade this is.
    Resume { call: String },
    /// A telephone rings: make everything ready that does not need the caller.
    Ring {
        call: CallSid,
        site: String,
        /// The caller's number as the telephone company tells it; a hidden one is none.
        caller: Option<String>,
    },
    /// Go on with the media stream whose upgrade this is.
    Stream { call: CallSid, stream: StreamSid },
    /// There is no room for the telephone call that rings.
    Full { call: CallSid },
    /// The telephone company says that the call is over.
    Over { call: CallSid },
}

const REQUEST_HEADER: &str = "voxanne-request";

impl CallRequest {
    /// Puts the request into the headers of an internal request.
    pub fn to_headers(&self) -> Result<Headers> {
        let headers = Headers::new();
        headers.set(REQUEST_HEADER, &serde_json::to_string(self)?)?;
        Ok(headers)
    }

    /// Puts the request into the headers of an upgrade for the object.
    pub fn to_upgrade(&self) -> Result<Headers> {
        let headers = self.to_headers()?;
        headers.set("Upgrade", "websocket")?;
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
    /// Reaches the driver of the call, while it runs.
    driver: RefCell<Option<Facts>>,
}

impl DurableObject for Call {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            driver: RefCell::new(None),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match CallRequest::read(&request) {
            Some(CallRequest::Open { call, site, resume }) => self.open(call, &site, resume).await,
            Some(CallRequest::Resume { call }) => self.resume(call).await,
            Some(CallRequest::Ring { call, site, caller }) => {
                self.ring(&call, &site, caller.as_deref()).await
            }
            Some(CallRequest::Stream { call, stream }) => self.stream(&call, stream).await,
            Some(CallRequest::Full { .. }) => {
                self.tell(Fact::Full);
                Response::empty()
            }
            Some(CallRequest::Over { .. }) => {
                self.tell(Fact::Input(Input::CallerLeft));
                Response::empty()
            }
            None => Problem::not_found().into_response(),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        let is_on = self.driver.borrow().as_ref().is_some_and(Facts::are_heard);
        let record = Record::new(self.state.storage());
        if record.look_after(is_on, unix_millis()).await? == Care::Deliver {
            record.deliver(&self.env).await?;
        }
        Response::empty()
    }
}

impl Call {
    async fn open(&self, call: String, site: &str, resume: String) -> Result<Response> {
        let parts = match self.parts(call, site, None).await {
            Ok(parts) => parts,
            Err(problem) => return problem.into_response(),
        };
        let opening = Opening {
            call: &parts.call,
            site: &parts.business.id,
            door: Door::Browser,
            caller: None,
            now: unix_millis(),
        };
        if !parts.record.open(&opening).await? || !parts.record.connect()? {
            return Problem::used_ticket().into_response();
        }
        let pair = WebSocketPair::new()?;
        let socket = pair.server;
        self.drive(parts, Some(Caller::Browser { socket, resume }));
        Response::from_websocket(pair.client)
    }

    /// The browser's line was lost. The call waits for it, here or in what is stored.
    async fn resume(&self, call: String) -> Result<Response> {
        let pair = WebSocketPair::new()?;
        let Some(caller) = self.hand_over(Caller::Back(pair.server)) else {
            return Response::from_websocket(pair.client);
        };
        let record = Record::new(self.state.storage());
        match record.stored()? {
            Some(stored) if stored.outcome.is_none() => {
                let site = stored.site.clone();
                let parts = match self.parts(call, &site, None).await {
                    Ok(parts) => parts,
                    Err(problem) => return problem.into_response(),
                };
                record.found()?;
                self.driver
                    .replace(Some(driver::go_on(parts, stored, caller)));
            }
            Some(Stored {
                outcome: Some(outcome),
                ..
            }) => caller.tell_end(outcome),
            None | Some(_) => return Problem::not_found().into_response(),
        }
        Response::from_websocket(pair.client)
    }

    /// Twice is as good as once: the telephone company asks again when an answer was late.
    async fn ring(&self, call: &CallSid, site: &str, caller: Option<&str>) -> Result<Response> {
        let parts = match self.parts(call.to_string(), site, caller).await {
            Ok(parts) => parts,
            Err(problem) => return problem.into_response(),
        };
        let opening = Opening {
            call: &parts.call,
            site: &parts.business.id,
            door: Door::Phone,
            caller,
            now: unix_millis(),
        };
        if parts.record.open(&opening).await? {
            self.drive(parts, None);
        }
        Response::empty()
    }

    /// A stream comes once for each call, and only for one that has rung.
    async fn stream(&self, call: &CallSid, stream: StreamSid) -> Result<Response> {
        let record = Record::new(self.state.storage());
        let Some(Ringing {
            site,
            caller: number,
        }) = record.rings()?
        else {
            return Problem::not_found().into_response();
        };
        if !record.connect()? {
            return Problem::used_ticket().into_response();
        }
        let pair = WebSocketPair::new()?;
        let caller = Caller::Telephone {
            socket: pair.server,
            stream,
        };
        if let Some(caller) = self.hand_over(caller) {
            // The object was restarted since the telephone rang: everything is opened only now.
            match self.parts(call.to_string(), &site, number.as_deref()).await {
                Ok(parts) => self.drive(parts, Some(caller)),
                Err(problem) => return problem.into_response(),
            }
        }
        Response::from_websocket(pair.client)
    }

    async fn parts(
        &self,
        call: String,
        site: &str,
        number: Option<&str>,
    ) -> std::result::Result<Parts, Problem> {
        let settings = Settings::from_lookup(|name| crate::lookup(&self.env, name))
            .map_err(|error| Problem::settings(&error))?;
        Ok(Parts {
            call,
            env: self.env.clone(),
            business: site::find(&self.env, site).await?,
            number: number.map(str::to_owned),
            settings,
            record: Record::new(self.state.storage()),
        })
    }

    fn drive(&self, parts: Parts, caller: Option<Caller>) {
        self.driver.replace(Some(driver::start(parts, caller)));
    }

    /// Gives the caller to the driver; back if there is none.
    fn hand_over(&self, caller: Caller) -> Option<Caller> {
        match self.driver.borrow().as_ref() {
            Some(facts) => facts.connect(caller),
            None => Some(caller),
        }
    }

    fn tell(&self, fact: Fact) {
        if let Some(facts) = self.driver.borrow().as_ref() {
            facts.send(fact);
        }
    }
}

/// Something that happened outside the driver, on its way to its loop.
enum Fact {
    /// What the caller's socket brought, and which of their sockets it was.
    Caller(u32, SocketEvent),
    /// The telephone that rang is connected.
    Connected(Caller),
    /// There is no room for the call.
    Full,
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

    /// Whether the loop is there.
    fn are_heard(&self) -> bool {
        !self.0.is_closed()
    }

    /// Hands over the caller, or gives it back when the loop is gone.
    fn connect(&self, caller: Caller) -> Option<Caller> {
        match self.0.unbounded_send(Fact::Connected(caller)) {
            Ok(()) => None,
            Err(error) => match error.into_inner() {
                Fact::Connected(caller) => Some(caller),
                _ => None,
            },
        }
    }
}
