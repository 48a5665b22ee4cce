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

mod auth;
pub mod call;
mod clock;
pub mod desk;
mod internal;
pub mod live_board;
pub mod problem;
pub mod providers;
pub mod routes;
mod seal;
pub mod settings;
pub mod site;
pub mod store;
pub mod ticket;
pub mod twilio;
pub mod warden;

use std::time::Duration;

use store::database::{Meter, Metered};
use worker::{
    Context, Delay, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event,
};

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

/// At the times that `wrangler.toml` names: forgets what is older than its business keeps it.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = forget(&env).await {
        worker::console_error!("records are not forgotten: {error}");
    }
}

/// A sweep deletes a bounded number of rows. What so many leave behind waits for the next time.
const SWEEPS: u32 = 100;

/// Between two sweeps: some hundredths of a second of D1's time each, and whoever calls meanwhile comes first.
const PAUSE: Duration = Duration::from_millis(50);

async fn forget(env: &Env) -> std::result::Result<(), store::StoreError> {
    let meter = Meter::default();
    let db = Metered::new(env.d1("DB")?, meter.clone());
    let now = clock::unix_time();
    let mut sweeps = 1_u32;
    while store::retention::sweep(&db, now).await? && sweeps < SWEEPS {
        sweeps = sweeps.saturating_add(1);
        Delay::from(PAUSE).await;
    }
    worker::console_log!("records that are too old are forgotten, in {sweeps} sweeps: {meter}");
    Ok(())
}

/// One setting from the environment, whether it is a variable or a secret.
pub(crate) fn lookup(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string())
}
