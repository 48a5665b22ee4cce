//! Paths to handlers. Every route has a guard, or the reason why it needs none.

mod session;
mod twilio;

use worker::{Env, Method, Request, Response, Result};

use crate::problem::Problem;
use crate::settings::{Settings, SettingsError};
use crate::twilio::{MEDIA_PATH, STATUS_PATH, VOICE_PATH};

/// Answers one request.
pub(crate) async fn route(request: Request, env: Env) -> Result<Response> {
    let path = request.path();
    let settings = || Settings::from_lookup(|name| crate::lookup(&env, name));
    match (path.as_str(), request.method()) {
        // Open to all: says whether the worker can serve, and names the settings that keep it from it.
        ("/healthz", Method::Get | Method::Head) => health(&settings()),
        // Guarded by origin, and the last by ticket too.
        ("/api/tickets", Method::Post | Method::Options) | ("/call", Method::Get) => {
            match settings() {
                Ok(settings) => session(request, &settings, &env).await,
                Err(error) => Problem::settings(&error).into_response(),
            }
        }
        // Guarded by the telephone company's signature; the stream also by a token.
        (VOICE_PATH | STATUS_PATH, Method::Post) | (MEDIA_PATH, Method::Get) => match settings() {
            Ok(settings) => telephone(request, settings, env).await,
            Err(error) => Problem::settings(&error).into_response(),
        },
        (VOICE_PATH | STATUS_PATH, _) => Problem::method_not_allowed("POST").into_response(),
        (MEDIA_PATH, _) => Problem::method_not_allowed("GET").into_response(),
        ("/healthz" | "/call", _) => Problem::method_not_allowed("GET").into_response(),
        ("/api/tickets", _) => Problem::method_not_allowed("POST, OPTIONS").into_response(),
        (path, _)
            if path.starts_with("/api/")
                || path.starts_with("/twilio/")
                || path.starts_with("/dashboard") =>
        {
            Problem::not_found().into_response()
        }
        // Open to all: the pages, styles and scripts of the build.
        _ => env.assets("ASSETS")?.fetch_request(request).await,
    }
}

async fn session(request: Request, settings: &Settings, env: &Env) -> Result<Response> {
    match request.method() {
        Method::Post => session::issue(request, settings).await,
        Method::Options => session::preflight(&request, settings),
        _ => session::open(&request, settings, env).await,
    }
}

async fn telephone(request: Request, settings: Settings, env: Env) -> Result<Response> {
    let Some(company) = settings.twilio.clone() else {
        return Problem::no_telephone().into_response();
    };
    match request.path().as_str() {
        VOICE_PATH => twilio::voice(request, &company, &settings, &env).await,
        STATUS_PATH => twilio::status(request, &company, &settings, &env).await,
        _ => twilio::media(&request, &company, &settings, env),
    }
}

fn health(settings: &std::result::Result<Settings, SettingsError>) -> Result<Response> {
    match settings {
        Ok(_) => Response::from_json(&serde_json::json!({ "status": "ok" })),
        Err(error) => Problem::settings(error).into_response(),
    }
}
