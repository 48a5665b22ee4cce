//! The one server: paths to services, admission of a connection, and the faults that befall it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use crate::Config;
use crate::backend::Backend;
use crate::log::{Exchange, Log, Service};
use crate::script::{Fault, Script};
use crate::{deepgram, groq, phone};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/listen", get(deepgram::listen::listen))
        .route("/v2/listen", get(deepgram::flux::listen))
        .route(
            "/v1/speak",
            get(deepgram::speak::speak).post(deepgram::speak_rest::speak),
        )
        .route("/openai/v1/chat/completions", post(groq::complete))
        .route("/openai/v1/models", get(groq::models::list))
        .route(
            "/2010-04-01/Accounts/{account}/Calls/{call}",
            post(phone::rest::update),
        )
        .route(
            phone::control::PATH,
            post(phone::control::place).layer(DefaultBodyLimit::max(phone::control::BODY_MOST)),
        )
        .with_state(shared)
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) log: Arc<Log>,
    pub(crate) backend: Backend,
    pub(crate) deepgram_key: Option<String>,
    pub(crate) groq_key: Option<String>,
    pub(crate) calls: phone::rest::Switchboard,
    log_audio: bool,
    plan: Mutex<Plan>,
    connections: AtomicU64,
    strikes: broadcast::Sender<(Service, Fault)>,
}

struct Plan {
    script: Arc<Script>,
    ordinals: HashMap<Service, u64>,
}

impl Shared {
    pub(crate) fn new(config: Config, log: Log, backend: Backend) -> Self {
        let plan = Plan {
            script: Arc::new(config.script),
            ordinals: HashMap::new(),
        };
        Self {
            log: Arc::new(log),
            backend,
            deepgram_key: config.deepgram_key,
            groq_key: config.groq_key,
            calls: phone::rest::Switchboard::default(),
            log_audio: config.log_audio,
            plan: Mutex::new(plan),
            connections: AtomicU64::new(0),
            strikes: broadcast::Sender::new(STRIKES_WAITING),
        }
    }

    pub(crate) fn set_script(&self, script: Script) {
        let plan = Plan {
            script: Arc::new(script),
            ordinals: HashMap::new(),
        };
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    pub(crate) fn strike(&self, service: Service, fault: Fault) {
        // An error says that nothing is open, and then there is nothing to strike.
        let _ = self.strikes.send((service, fault));
    }

    /// Counts a connection in, opens its log and looks up what the script has in store for it.
    pub(crate) fn admit(&self, service: Service, fields: Value) -> Admission {
        let strikes = self.strikes.subscribe();
        let conn = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let (script, ordinal) = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            let ordinal = plan.ordinals.entry(service).or_insert(0);
            *ordinal += 1;
            let ordinal = *ordinal;
            (Arc::clone(&plan.script), ordinal)
        };
        let planned = script
            .faults
            .iter()
            .filter(|rule| rule.strikes(service, ordinal));
        let planned = planned.map(|rule| rule.fault.clone()).collect();
        let trouble = Trouble {
            service,
            opened: Instant::now(),
            planned,
            strikes,
        };
        let exchange = Exchange::open(Arc::clone(&self.log), conn, service, fields);
        Admission {
            exchange,
            log_audio: self.log_audio,
            script,
            ordinal,
            trouble,
        }
    }
}

/// One connection's share.
pub(crate) struct Admission {
    pub(crate) exchange: Exchange,
    pub(crate) log_audio: bool,
    pub(crate) script: Arc<Script>,
    /// The how manieth of its service it is, from 1, since the script was given.
    pub(crate) ordinal: u64,
    pub(crate) trouble: Trouble,
}

/// What goes wrong on one connection.
pub(crate) struct Trouble {
    service: Service,
    opened: Instant,
    planned: Vec<Fault>,
    strikes: broadcast::Receiver<(Service, Fault)>,
}

impl Trouble {
    /// How the request is refused, if it is.
    pub(crate) fn refusal(&self) -> Option<&Fault> {
        self.planned
            .iter()
            .find(|fault| matches!(fault, Fault::Refuse { .. }))
    }

    pub(crate) fn delay(&self) -> Duration {
        let delays = self.planned.iter().filter_map(|fault| match fault {
            Fault::Delay { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        });
        delays.sum()
    }

    /// What goes wrong once `tokens` of an answer are out.
    pub(crate) fn after_tokens(&mut self, tokens: usize) -> Option<Fault> {
        let due = self
            .planned
            .iter()
            .position(|fault| tokens_of(fault).is_some_and(|count| count <= tokens));
        due.map(|index| self.planned.swap_remove(index))
    }

    /// The next thing that goes wrong with time or by [`crate::Providers::strike`]; pends when nothing will.
    pub(crate) async fn next(&mut self) -> Fault {
        loop {
            let timed = self
                .planned
                .iter()
                .enumerate()
                .filter_map(|(index, fault)| Some((after_ms(fault)?, index)));
            let (due, index) = match timed.min() {
                Some((after, index)) => (Some(self.opened + Duration::from_millis(after)), index),
                None => (None, 0),
            };
            tokio::select! {
                () = sleep_until(due.unwrap_or(self.opened)), if due.is_some() => {
                    return self.planned.swap_remove(index);
                }
                struck = self.strikes.recv() => match struck {
                    Ok((service, fault)) if service == self.service => return fault,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }
}

/// When a fault comes by itself; none for those that wait for something else.
fn after_ms(fault: &Fault) -> Option<u64> {
    match fault {
        Fault::Close { after_ms, .. } => Some(*after_ms),
        Fault::Cut { after_ms, .. }
        | Fault::Error { after_ms, .. }
        | Fault::Stall { after_ms, .. } => tokens_of(fault).is_none().then_some(*after_ms),
        Fault::Delay { .. } | Fault::Refuse { .. } => None,
    }
}

fn tokens_of(fault: &Fault) -> Option<usize> {
    match fault {
        Fault::Cut { after_tokens, .. }
        | Fault::Error { after_tokens, .. }
        | Fault::Stall { after_tokens, .. } => *after_tokens,
        Fault::Close { .. } | Fault::Delay { .. } | Fault::Refuse { .. } => None,
    }
}

/// Strikes are taken at once; this is for a connection that is busy for a moment.
const STRIKES_WAITING: usize = 16;
