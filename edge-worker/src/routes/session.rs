//! The browser's way to a call: a ticket for an allowed origin, and the socket it opens, once; and the way back to a call whose line was lost.

use serde::{Deserialize, Serialize};
use worker::{Env, Headers, Method, Request, RequestInit, Response, Result};

use crate::call::CallRequest;
use crate::clock::unix_millis;
use crate::problem::Problem;
use crate::routes::ask::body_of;
use crate::settings::{Origin, Settings};
use crate::site;
use crate::ticket::{CallId, LIFETIME_SECONDS, SiteId, Ticket, TicketKey};

/// The longest request for a ticket: a site's name has at most 64 characters.
const BODY_MAX: usize = 1_024;

#[derive(Deserialize)]
struct Asked {
    site: Option<String>,
}

#[derive(Serialize)]
struct Issued {
    ticket: String,
    expires_in: u64,
}

/// Gives a page of an allowed origin the right to open one call.
pub(super) async fn issue(
    mut request: Request,
    settings: &Settings,
    env: &Env,
) -> Result<Response> {
    let Some(origin) = allowed_origin(&request, settings)? else {
        return Problem::forbidden_origin().into_response();
    };
    let answer = match asked_site(&mut request, env).await? {
        Ok(site) => {
            let mut random = [0; 16];
            if getrandom::fill(&mut random).is_err() {
                return Problem::internal().into_response();
            }
            let key = TicketKey::new(settings);
            let ticket = Ticket::issue(
                &key,
                CallId::from_random(random),
                &site,
                &origin,
                unix_millis() / 1_000,
            );
            Response::from_json(&Issued {
                ticket,
                expires_in: LIFETIME_SECONDS,
            })?
        }
        Err(problem) => problem.into_response()?,
    };
    allow(answer, &origin)
}

/// Answers a browser that asks whether a page of another origin may ask for a ticket.
pub(super) fn preflight(request: &Request, settings: &Settings) -> Result<Response> {
    match allowed_origin(request, settings)? {
        Some(origin) => allow(Response::empty()?.with_status(204), &origin),
        None => Problem::forbidden_origin().into_response(),
    }
}

/// Opens the call that a ticket is for, or goes on with one whose line was lost.
pub(super) async fn open(request: &Request, settings: &Settings, env: &Env) -> Result<Response> {
    if request
        .headers()
        .get("Upgrade")?
        .is_none_or(|upgrade| !upgrade.eq_ignore_ascii_case("websocket"))
    {
        return Problem::upgrade_required().into_response();
    }
    let Some(origin) = allowed_origin(request, settings)? else {
        return Problem::forbidden_origin().into_response();
    };
    let url = request.url()?;
    let shown = |wanted: &str| {
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(name, _)| name == wanted);
        found.map(|(_, text)| text.into_owned())
    };
    let now = unix_millis() / 1_000;
    let to_resume = TicketKey::to_resume(settings);
    let resume = shown("resume");
    let verified = match &resume {
        Some(text) => Ticket::verify(&to_resume, text, &origin, now),
        None => {
            let text = shown("ticket").unwrap_or_default();
            Ticket::verify(&TicketKey::new(settings), &text, &origin, now)
        }
    };
    let ticket = match verified {
        Ok(ticket) => ticket,
        Err(error) => return Problem::ticket(error).into_response(),
    };
    let call = ticket.call.to_string();
    let site = ticket.site.as_str().to_owned();
    let upgrade = match resume {
        Some(_) => CallRequest::Resume { call: call.clone() },
        None => CallRequest::Open {
            call: call.clone(),
            site,
            resume: ticket.resume(&to_resume, now),
        },
    };
    let mut init = RequestInit::new();
    init.with_method(Method::Get)
        .with_headers(upgrade.to_upgrade()?);
    let inner = Request::new_with_init("https://call/", &init)?;
    env.durable_object("CALL")?
        .get_by_name(&call)?
        .fetch_with_request(inner)
        .await
}

/// The origin of the page that asks, if it may. A request without one counts as the worker's own: a browser always names
/// the origin here, and a client that is no browser could write any.
fn allowed_origin(request: &Request, settings: &Settings) -> Result<Option<Origin>> {
    let Some(own) = own_origin(request)? else {
        return Ok(None);
    };
    let named = request.headers().get("Origin")?;
    let origin = match named.as_deref() {
        Some(named) => Origin::parse(named),
        None => Some(own.clone()),
    };
    Ok(origin.filter(|origin| settings.allows(origin, &own)))
}

fn own_origin(request: &Request) -> Result<Option<Origin>> {
    Ok(Origin::parse(
        &request.url()?.origin().ascii_serialization(),
    ))
}

async fn asked_site(
    request: &mut Request,
    env: &Env,
) -> Result<std::result::Result<SiteId, Problem>> {
    let Some(body) = body_of(request, BODY_MAX).await? else {
        return Ok(Err(Problem::too_large(BODY_MAX)));
    };
    let asked = if body.is_empty() {
        Ok(Asked { site: None })
    } else {
        serde_json::from_slice(&body)
    };
    let Ok(asked) = asked else {
        return Ok(Err(Problem::bad_request(
            "the body is not JSON of the form {\"site\": \"…\"}",
        )));
    };
    let id = SiteId::parse(asked.site.as_deref().unwrap_or(site::DEFAULT));
    let no_such = || Problem::bad_request("there is no such site");
    let Some(id) = id else {
        return Ok(Err(no_such()));
    };
    let found = site::find(env, id.as_str()).await;
    Ok(found.map(|_| id).map_err(|_| no_such()))
}

/// Lets a page of this origin read the answer.
fn allow(answer: Response, origin: &Origin) -> Result<Response> {
    let headers: Headers = answer.headers().clone();
    headers.set("Access-Control-Allow-Origin", origin.as_str())?;
    headers.set("Access-Control-Allow-Methods", "POST")?;
    headers.set("Access-Control-Allow-Headers", "Content-Type")?;
    headers.set("Access-Control-Max-Age", "86400")?;
    headers.set("Cache-Control", "no-store")?;
    headers.set("Vary", "Origin")?;
    Ok(answer.with_headers(headers))
}
