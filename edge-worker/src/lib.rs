//! The edge: holds the provider keys, admits callers, and runs one [`call::Call`] object for each call.
//!
//! This file is the worker's entry. `routes` says who may ask what; `call` drives a conversation; `providers` are the vendors as
//! translations. A panic here would end every call of the isolate, so nothing may.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod call;
mod clock;
pub mod problem;
pub mod providers;
mod routes;
mod seal;
pub mod settings;
pub mod site;
pub mod ticket;
pub mod twilio;

use worker::{Context, Env, Request, Response, Result, event};

/// Answers one request; what fails inside is logged and answered without its reason.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    match routes::route(request, env).await {
        Ok(response) => Ok(response),
        Err(error) => {
            worker::console_error!("request failed: {error}");
            problem::Problem::internal().into_response()
        }
    }
}

/// One setting from the environment, whether it is a variable or a secret.
pub(crate) fn lookup(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}
