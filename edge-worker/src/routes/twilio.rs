//! The telephone company's way to a call: it announces the call, brings its sound on a socket, and tells that it is over.

mod gate;
mod line;
mod room;
mod splice;
mod webhook;

use std::time::Duration;

use futures_util::future::{Either, join, select};
use worker::{Delay, Env, Method, Request, RequestInit, Response, ResponseBuilder, Result};
use worker::{WebSocketPair, console_error, console_log, console_warn};

use crate::call::CallRequest;
use crate::clock::unix_millis;
use crate::live_board::Room;
use crate::problem::Problem;
use crate::settings::{Settings, TwilioSettings};
use crate::site;
use crate::ticket::SiteId;
use crate::twilio::{CallSid, MEDIA_PATH, PhoneNumber, StreamToken, TokenKey, Verifier};
use gate::Gate;
use webhook::Webhook;

const SIGNATURE: &str = "X-Twilio-Signature";

/// How long a call's object may take to answer. One that needs longer is stuck, and the company itself gives up on the worker
/// after 15 seconds; the caller hears ringing meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// The states that a call does not leave.
const FINAL: [&str; 5] = ["busy", "canceled", "completed", "failed", "no-answer"];

/// A telephone rings: makes the call's object ready, and says where its sound should go. From here on the caller hears
/// words of ours whatever fails, never the company's own.
pub(super) async fn voice(
    request: Request,
    company: &TwilioSettings,
    settings: &Settings,
    env: &Env,
) -> Result<Response> {
    let Some(base) = webhook::reached_at(&request, settings) else {
        return Problem::bad_request("the address has no origin").into_response();
    };
    let webhook = match webhook::read(request, company, settings).await? {
        Ok(webhook) => webhook,
        Err(problem) => return problem.into_response(),
    };
    let call = match webhook.call() {
        Ok(call) => call,
        Err(problem) => return problem.into_response(),
    };
    let Some(site_id) = SiteId::parse(site::DEFAULT) else {
        return Problem::internal().into_response();
    };
    let business = match site::find(env, site_id.as_str()).await {
        Ok(business) => business,
        Err(problem) => return problem.into_response(),
    };
    let transfer = business.agent.transfer_number.as_deref();
    let transfer = transfer.and_then(PhoneNumber::parse);
    let ring = CallRequest::Ring {
        call: call.clone(),
        site: site_id.as_str().to_owned(),
        caller: caller(&webhook),
    };
    let asked = room::Asked {
        env,
        report: room::rings(&call, &business.id, caller(&webhook)),
        most: settings.calls_at_once,
    };
    let (rung, room) = join(ask(env, &call, &ring), asked.room()).await;
    let document = match rung {
        _ if room == Room::Full => {
            console_warn!("call {call}: no room");
            let full = CallRequest::Full { call: call.clone() };
            if let Err(reason) = ask(env, &call, &full).await {
                console_warn!("call {call}: cannot be told of its end: {reason}");
            }
            crate::twilio::busy()
        }
        Ok(()) => {
            let token = StreamToken::issue(
                &TokenKey::new(settings),
                &call,
                &site_id,
                unix_millis() / 1_000,
            );
            let url = format!("{}{MEDIA_PATH}", webhook::as_socket(&base));
            crate::twilio::connect(&url, &token, transfer.as_ref())
        }
        Err(reason) => {
            console_error!("call {call}: cannot be taken: {reason}");
            asked.give_back().await;
            crate::twilio::sorry(transfer.as_ref())
        }
    };
    Ok(ResponseBuilder::new()
        .with_header("Content-Type", "text/xml")?
        .with_header("Cache-Control", "no-store")?
        .fixed(document.into_bytes()))
}

/// A call's state has changed. Only its end is of interest, and that the call's object mostly knows already.
pub(super) async fn status(
    request: Request,
    company: &TwilioSettings,
    settings: &Settings,
    env: &Env,
) -> Result<Response> {
    let webhook = match webhook::read(request, company, settings).await? {
        Ok(webhook) => webhook,
        Err(problem) => return problem.into_response(),
    };
    let is_over = webhook
        .member("CallStatus")
        .is_some_and(|status| FINAL.contains(&status));
    // A call that has no good name was never one of ours.
    if let (true, Ok(call)) = (is_over, webhook.call()) {
        let over = CallRequest::Over { call: call.clone() };
        if let Err(reason) = ask(env, &call, &over).await {
            console_warn!("call {call}: cannot be told of its end: {reason}");
        }
    }
    Ok(Response::empty()?.with_status(204))
}

/// A call's sound comes in. Neither address nor headers name the call, so the socket is accepted here and its first
/// messages are read before any object is woken.
pub(super) fn media(
    request: &Request,
    company: &TwilioSettings,
    settings: &Settings,
    env: Env,
) -> Result<Response> {
    let is_upgrade = request
        .headers()
        .get("Upgrade")?
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    if !is_upgrade {
        return Problem::upgrade_required().into_response();
    }
    let Some(base) = webhook::reached_at(request, settings) else {
        return Problem::bad_request("the address has no origin").into_response();
    };
    // One that is missing is made up for by the token: no recorded socket shows for certain how it is made.
    if let Some(signature) = request.headers().get(SIGNATURE)? {
        let url = format!("{}{MEDIA_PATH}", webhook::as_socket(&base));
        match Verifier::new(&company.auth_token).upgrade(&url, &signature) {
            Some(form) => console_log!("stream: signed {form}"),
            None => {
                console_warn!("stream: not signed for {url}");
                return Problem::bad_signature().into_response();
            }
        }
    }
    let gate = Gate::new(company.account_sid.clone(), TokenKey::new(settings));
    let pair = WebSocketPair::new()?;
    wasm_bindgen_futures::spawn_local(splice::run(pair.server, gate, env));
    Response::from_websocket(pair.client)
}

/// The caller's number, unless it is hidden or belongs to another network.
fn caller(webhook: &Webhook) -> Option<String> {
    let number = PhoneNumber::parse(webhook.member("From")?)?;
    Some(number.as_str().to_owned())
}

/// Asks something of a call's object; the error is fit for a log.
async fn ask(env: &Env, call: &CallSid, request: &CallRequest) -> std::result::Result<(), String> {
    let answer = async {
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(request.to_headers()?);
        let inner = Request::new_with_init("https://call/", &init)?;
        env.durable_object("CALL")?
            .get_by_name(call.as_str())?
            .fetch_with_request(inner)
            .await
    };
    match select(Box::pin(answer), Delay::from(PATIENCE)).await {
        Either::Left((Ok(response), _)) if response.status_code() < 300 => Ok(()),
        Either::Left((Ok(response), _)) => Err(format!("status {}", response.status_code())),
        Either::Left((Err(error), _)) => Err(error.to_string()),
        Either::Right(_) => Err("no answer in time".to_owned()),
    }
}
