//! Requests to handlers, through the table that says who may.
//!
//! A request is looked up, then judged by its row's guard, and only then given to its handler. What no row knows is a file of the build,
//! except under the worker's own paths.

mod api;
mod ask;
mod session;
mod table;
mod twilio;

use worker::{Env, Headers, Method, Request, Response, ResponseBuilder, Result};

use self::ask::{Ask, Failure};
pub use self::table::Guard;
use self::table::{Answer, Facts, Found, Route, Verdict};
use crate::auth::{self, origin};
use crate::clock::unix_time;
use crate::problem::Problem;
use crate::settings::{Settings, TwilioSettings};
use crate::store::database::Meter;
use crate::twilio::{MEDIA_PATH, STATUS_PATH, VOICE_PATH};

/// Every row there is.
const TABLES: &[&[Route]] = &[
    ROUTES,
    api::bookings::ROUTES,
    api::calendar::ROUTES,
    api::calls::ROUTES,
    api::live::ROUTES,
    api::messages::ROUTES,
    api::metrics::ROUTES,
    api::privacy::ROUTES,
    api::safe_mode::ROUTES,
    api::session::ROUTES,
    api::settings::ROUTES,
    api::sites::ROUTES,
    api::users::ROUTES,
];

const ROUTES: &[Route] = &[
    Route::new(
        Method::Get,
        "/healthz",
        Guard::Open(
            "says whether the worker can serve, and names the settings that keep it from it",
        ),
        |ask| Box::pin(health(ask)),
    ),
    Route::new(
        Method::Post,
        "/api/tickets",
        Guard::Other("the page's origin"),
        |ask| Box::pin(issue(ask)),
    ),
    Route::new(
        Method::Options,
        "/api/tickets",
        Guard::Other("the page's origin"),
        |ask| Box::pin(preflight(ask)),
    ),
    Route::new(
        Method::Get,
        "/call",
        Guard::Other("the page's origin and a ticket"),
        |ask| Box::pin(open(ask)),
    ),
    Route::new(
        Method::Post,
        VOICE_PATH,
        Guard::Other("the telephone company's signature"),
        |ask| Box::pin(voice(ask)),
    ),
    Route::new(
        Method::Post,
        STATUS_PATH,
        Guard::Other("the telephone company's signature"),
        |ask| Box::pin(status(ask)),
    ),
    Route::new(
        Method::Get,
        MEDIA_PATH,
        Guard::Other("the telephone company's signature and a token"),
        |ask| Box::pin(media(ask)),
    ),
    Route::new(Method::Get, "/dashboard", Guard::Page, |ask| {
        Box::pin(page(ask))
    }),
    Route::new(Method::Get, "/dashboard/*", Guard::Page, |ask| {
        Box::pin(page(ask))
    }),
];

/// A method of an address, and who may use it.
#[derive(Clone, Debug)]
pub struct Address {
    pub method: &'static str,
    /// Segments as the table has them: `{name}` for any one, `*` at the end for all that follow.
    pub path: &'static str,
    pub guard: Guard,
}

/// Every address there is, for whoever checks that none is left unguarded.
pub fn addresses() -> impl Iterator<Item = Address> {
    TABLES.iter().copied().flatten().map(|route| Address {
        method: route.method.as_ref(),
        path: route.path,
        guard: route.guard,
    })
}

/// Answers one request.
pub(crate) async fn route(request: Request, env: Env) -> Result<Response> {
    match answer(request, env).await {
        Ok(response) => Ok(response),
        Err(Failure::Problem(problem)) => problem.into_response(),
        Err(Failure::Runtime(error)) => Err(error),
    }
}

async fn answer(request: Request, env: Env) -> Answer {
    let path = request.path();
    match table::find(TABLES, &request.method(), &path) {
        Found::Methods(allow) => Err(Problem::method_not_allowed(allow).into()),
        Found::Nothing if table::is_reserved(&path) => Err(Problem::not_found().into()),
        Found::Nothing => Ok(env.assets("ASSETS")?.fetch_request(request).await?),
        Found::Route { route, parameters } => {
            let settings = Settings::from_lookup(|name| crate::lookup(&env, name));
            let ask = Ask::new(request, env, settings, parameters);
            admitted(route, ask).await
        }
    }
}

/// Judges a request by its row, and has it answered.
async fn admitted(route: &Route, mut ask: Ask) -> Answer {
    if matches!(route.guard, Guard::Other(_)) {
        return (route.handler)(ask).await;
    }
    let method = ask.request.method();
    let visitor = if route.guard.wants_visitor() {
        let (settings, db) = (ask.settings()?, ask.db()?);
        auth::identify(&ask.request, settings, &db, now()).await?
    } else {
        None
    };
    let facts = Facts {
        role: visitor.as_ref().map(|visitor| visitor.role),
        is_same_origin: is_same_origin(&ask)?,
        is_upgrade: ask.request.headers().has("Upgrade")?,
    };
    ask.admit(visitor);
    match table::decide(route.guard, &method, facts) {
        Verdict::Allow => {
            let meter = ask.meter().clone();
            let response = (route.handler)(ask).await?;
            private(route.guard, &meter, response)
        }
        Verdict::CrossOrigin => Err(Problem::cross_origin().into()),
        Verdict::OwnerOnly => Err(Problem::owner_only().into()),
        Verdict::SignIn if route.guard == Guard::Page => sign_in(&ask.request),
        Verdict::SignIn => Err(Problem::sign_in_required().into()),
    }
}

fn is_same_origin(ask: &Ask) -> std::result::Result<bool, Failure> {
    let headers = ask.request.headers();
    let public = ask
        .settings()
        .ok()
        .and_then(|settings| settings.public_origin.as_ref());
    Ok(origin::is_same(
        headers.get("Origin")?.as_deref(),
        headers.get("Sec-Fetch-Site")?.as_deref(),
        ask.own_origin()?.as_ref(),
        public,
    ))
}

/// What was made for one visitor is for no cache that others share, for no other origin, and of the kind it says it is.
fn private(guard: Guard, meter: &Meter, response: Response) -> Answer {
    if response.status_code() == 101 {
        return Ok(response);
    }
    let headers: Headers = response.headers().clone();
    // A page may be kept by the browser that asks each time whether it is still good, which is when its session is asked for.
    let page = guard == Guard::Page;
    if page {
        headers.set("Cache-Control", "private, no-cache")?;
    } else if !headers.has("Cache-Control")? {
        headers.set("Cache-Control", "no-store")?;
    }
    // From what an answer cost, a stranger could tell what there is.
    if guard.wants_visitor() {
        headers.set("Server-Timing", &meter.to_string())?;
    }
    headers.set("Cross-Origin-Resource-Policy", "same-origin")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    Ok(response.with_headers(headers))
}

/// Sends a visitor to where they can sign in, and from there back to where they wanted to go.
fn sign_in(request: &Request) -> Answer {
    let url = request.url()?;
    let wanted = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    let response = ResponseBuilder::new()
        .with_status(303)
        .with_header("Location", &format!("/sign-in?next={next}"))?
        .with_header("Cache-Control", "no-store")?
        .empty();
    Ok(response)
}

async fn page(ask: Ask) -> Answer {
    let Ask { request, env, .. } = ask;
    Ok(env.assets("ASSETS")?.fetch_request(request).await?)
}

async fn health(ask: Ask) -> Answer {
    ask.settings()?;
    Ok(Response::from_json(&serde_json::json!({ "status": "ok" }))?)
}

async fn issue(ask: Ask) -> Answer {
    let settings = ask.settings()?.clone();
    let Ask { request, env, .. } = ask;
    Ok(session::issue(request, &settings, &env).await?)
}

async fn preflight(ask: Ask) -> Answer {
    Ok(session::preflight(&ask.request, ask.settings()?)?)
}

async fn open(ask: Ask) -> Answer {
    Ok(session::open(&ask.request, ask.settings()?, &ask.env).await?)
}

async fn voice(ask: Ask) -> Answer {
    let (company, settings) = telephone(&ask)?;
    Ok(twilio::voice(ask.request, &company, &settings, &ask.env).await?)
}

async fn status(ask: Ask) -> Answer {
    let (company, settings) = telephone(&ask)?;
    Ok(twilio::status(ask.request, &company, &settings, &ask.env).await?)
}

async fn media(ask: Ask) -> Answer {
    let (company, settings) = telephone(&ask)?;
    Ok(twilio::media(&ask.request, &company, &settings, ask.env)?)
}

fn telephone(ask: &Ask) -> std::result::Result<(TwilioSettings, Settings), Failure> {
    let settings = ask.settings()?.clone();
    let company = settings.twilio.clone().ok_or_else(Problem::no_telephone)?;
    Ok((company, settings))
}

/// Milliseconds since 1970, as the tables count them.
fn now() -> i64 {
    unix_time()
}

#[cfg(test)]
mod tests;
