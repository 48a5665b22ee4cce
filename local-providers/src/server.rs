//! The one server: paths to services, admission of a connection, and the faults that befall it.

mod trouble;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::Config;
use crate::backend::Backend;
use crate::log::{Exchange, Log, Service};
use crate::script::{Fault, FaultRule, Script};
use crate::valve::Valve;
use crate::{deepgram, groq, phone, workers_ai};

pub(crate) use trouble::Trouble;

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
            workers_ai::PATH,
            get(workers_ai::listen).post(workers_ai::speak),
        )
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
    /// In place of the script's own, which they were at first.
    faults: Arc<[FaultRule]>,
    /// When the faults were given.
    given: Instant,
    ordinals: HashMap<Service, u64>,
}

impl Plan {
    fn new(mut script: Script) -> Self {
        let faults = std::mem::take(&mut script.faults);
        Self {
            script: Arc::new(script),
            faults: faults.into(),
            given: Instant::now(),
            ordinals: HashMap::new(),
        }
    }
}

impl Shared {
    pub(crate) fn new(config: Config, log: Log, backend: Backend) -> Self {
        let plan = Plan::new(config.script);
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
        *self.plan() = Plan::new(script);
    }

    pub(crate) fn set_faults(&self, faults: Vec<FaultRule>) {
        let mut plan = self.plan();
        plan.faults = faults.into();
        plan.given = Instant::now();
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn strike(&self, service: Service, fault: Fault) {
        // An error says that nothing is open, and then there is nothing to strike.
        let _ = self.strikes.send((service, fault));
    }

    /// Counts a connection in, opens its log and looks up what the script has in store for it. Its bytes pass `valve`.
    pub(crate) fn admit(&self, service: Service, fields: Value, valve: &Valve) -> Admission {
        let strikes = self.strikes.subscribe();
        let conn = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let (script, faults, ordinal) = {
            let mut plan = self.plan();
            let ordinal = plan.ordinals.entry(service).or_insert(0);
            *ordinal += 1;
            let ordinal = *ordinal;
            let faults = (Arc::clone(&plan.faults), plan.given);
            (Arc::clone(&plan.script), faults, ordinal)
        };
        let trouble = Trouble::new(service, ordinal, faults, valve, strikes);
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

/// Strikes are taken at once; this is for a connection that is busy for a moment.
const STRIKES_WAITING: usize = 16;
