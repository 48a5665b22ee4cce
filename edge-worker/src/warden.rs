//! `Warden`: one Durable Object for each business, named by its id: whether the business is in Safe Mode, and why.
//!
//! In Safe Mode she improvises nothing and books nothing. It begins and ends by what holds: an owner has switched it on (`ward`), a
//! provider fails (`breaker`), the day's minutes or tokens are used up (`ward`).
//!
//! Stored, in the object's own SQLite: `ward`, one row, as [`ward::Ward`]: the mode as it was told last, the switch, the breakers, what was
//! spent today, and the terms of the business; and `heard`, one row for the last report of each call of the last hour.
//!
//! Order: both are written together, before the answer and before the board is told, so that a report that is sent again because its answer
//! was lost counts once, and a warden that slept gives the same answer.
//!
//! Requests are [`WardenRequest`]s: a call reports, a page asks, an owner switches. Each brings the [`Terms`], so that the warden reads nothing but its
//! own storage. A call never waits for it, and it never waits for the board.

mod breaker;
mod heard;
mod ward;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use front_desk::business::{Business, Limits};
use front_desk::zone::Zone;
use serde::{Deserialize, Serialize};
use worker::{
    DurableObject, Env, Error, Method, Request, RequestInit, Response, Result, State,
    durable_object,
};

use crate::clock::{unix_time, within};
use crate::internal;
use crate::live_board;
use crate::problem::Problem;
use heard::Last;
use ward::Ward;

/// The binding's name.
const BINDING: &str = "WARDEN";

/// How long anybody waits for a warden, and a warden for the board. Both answer from memory in some milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The runtime may wake an object a little early, which would be for nothing.
const SOONEST: Duration = Duration::from_millis(50);

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS ward (one INTEGER PRIMARY KEY CHECK (one = 1), row TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS heard (call TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID",
];

/// What a warden has to know of a business. Whoever asks brings it, and of two the one that was read later counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub site: String,
    /// Whose calendar the days are of.
    pub zone: Zone,
    pub limits: Limits,
    /// When the business was read, in milliseconds since 1970.
    pub read_at: i64,
}

impl Terms {
    /// Those of a business that was read at this time.
    #[must_use]
    pub fn of(business: &Business, read_at: i64) -> Self {
        Self {
            site: business.id.clone(),
            zone: business.zone.clone(),
            limits: business.limits,
            read_at,
        }
    }
}

/// What is new in a call since its last report. One that was not answered is sent again as it was; the next is another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The call's id.
    pub call: String,
    /// Grows with each report of a call: one that comes again, or after the next, does not count.
    pub n: u32,
    pub spent: Spent,
    pub results: Results,
}

/// What a call used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub call_ms: u64,
    /// Of the model, read and written.
    pub tokens: u64,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            call_ms: self.call_ms.saturating_add(other.call_ms),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }
}

/// How each provider did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    pub recogniser: Tried,
    pub model: Tried,
    pub voice: Tried,
}

/// What came of requests to a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub ok: u32,
    pub failed: u32,
}

impl Tried {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            ok: self.ok.saturating_add(other.ok),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

/// Whether a business is in Safe Mode: `GET /api/safe-mode` and what `PUT /api/safe-mode` gives. Instants are UTC, in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SafeMode {
    pub on: bool,
    /// Since when without a break.
    pub since: Option<i64>,
    /// The first of those that hold.
    pub cause: Option<Cause>,
    /// The name of the owner who has switched it on.
    pub by: Option<String>,
    /// When it ends by itself. Null while it is on: an owner ends it.
    pub until: Option<i64>,
    /// All that hold now. It is on until none does.
    pub causes: Vec<Holding>,
}

/// Why a business is in Safe Mode, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Switched on by an owner.
    Owner,
    /// Speech to text fails.
    Recogniser,
    /// The language model fails.
    Model,
    /// Text to speech fails.
    Voice,
    /// The day's minutes of calls are used up.
    Minutes,
    /// The day's tokens of the model are used up.
    Tokens,
}

/// A cause that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Holding {
    pub cause: Cause,
    pub since: i64,
    /// When it ends by itself. Null: an owner ends it.
    pub until: Option<i64>,
}

/// Tells the warden of a call's business what is new, and gives the mode after it.
pub async fn report(env: &Env, terms: &Terms, report: &Report) -> Result<SafeMode> {
    let report = report.clone();
    let terms = terms.clone();
    ask(env, &WardenRequest::Report { report, terms }).await
}

/// Whether a business is in Safe Mode. Newer terms hold from now on.
pub async fn state(env: &Env, terms: &Terms) -> Result<SafeMode> {
    let terms = terms.clone();
    ask(env, &WardenRequest::State { terms }).await
}

/// An owner of this name switches Safe Mode on; without a name, what an owner did is taken back. Gives the mode after it.
pub async fn switch(env: &Env, terms: &Terms, by: Option<&str>) -> Result<SafeMode> {
    let by = by.map(str::to_owned);
    let terms = terms.clone();
    ask(env, &WardenRequest::Switch { by, terms }).await
}

async fn ask(env: &Env, request: &WardenRequest) -> Result<SafeMode> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(internal::headers(request)?);
    let asked = Request::new_with_init("https://warden/", &init)?;
    let warden = env
        .durable_object(BINDING)?
        .get_by_name(&request.terms().site)?;
    let answer = async {
        let mut response = warden.fetch_with_request(asked).await?;
        response.json().await
    };
    in_time(answer).await
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Err(Error::RustError("no answer in time".to_owned()));
    within(PATIENCE, work).await.unwrap_or_else(late)
}

/// What the worker asks of a warden.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WardenRequest {
    Report { report: Report, terms: Terms },
    State { terms: Terms },
    Switch { by: Option<String>, terms: Terms },
}

impl WardenRequest {
    const fn terms(&self) -> &Terms {
        match self {
            Self::Report { terms, .. } | Self::State { terms } | Self::Switch { terms, .. } => {
                terms
            }
        }
    }
}

/// Whether one business is in Safe Mode.
#[durable_object]
pub struct Warden {
    state: State,
    env: Env,
    ward: RefCell<Option<Ward>>,
    /// The ward as it is stored.
    stored: RefCell<String>,
    /// When the next alarm comes, as far as this waking of the object knows.
    alarm: Cell<Option<i64>>,
    /// The last change that the board has been told, as far as this waking of the object knows.
    told: Rc<Cell<u64>>,
}

impl DurableObject for Warden {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            ward: RefCell::new(None),
            stored: RefCell::default(),
            alarm: Cell::new(None),
            told: Rc::default(),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(request) = internal::read(&request) else {
            return Problem::bad_request("not a request of this worker").into_response();
        };
        let now = unix_time();
        self.load()?;
        match request {
            WardenRequest::Report { report, terms } => self.hear(&report, &terms, now)?,
            WardenRequest::State { terms } => self.change(|ward| ward.agree(&terms, now))?,
            WardenRequest::Switch { by, terms } => {
                self.change(|ward| ward.switch(by.as_deref(), &terms, now))?;
            }
        }
        self.wake_again(now).await?;
        let mode = self.with(|ward| ward.mode().clone());
        Response::from_json(&mode)
    }

    /// Something ends by itself.
    async fn alarm(&self) -> Result<Response> {
        let now = unix_time();
        self.alarm.set(None);
        self.load()?;
        self.change(|ward| ward.settle(now))?;
        self.wake_again(now).await?;
        Response::empty()
    }
}

impl Warden {
    fn hear(&self, report: &Report, terms: &Terms, now: i64) -> Result<()> {
        let sql = self.state.storage().sql();
        let mut last = None;
        self.change(|ward| last = ward.hear(report, terms, now))?;
        let Some(last) = last else {
            return Ok(());
        };
        let row = serde_json::to_string(&last)?;
        sql.exec(
            "INSERT OR REPLACE INTO heard (call, row) VALUES (?, ?)",
            vec![report.call.as_str().into(), row.into()],
        )?;
        for call in self.with(|ward| ward.forget(now)) {
            sql.exec("DELETE FROM heard WHERE call = ?", vec![call.into()])?;
        }
        Ok(())
    }

    /// Lets the ward change, keeps it if it did, and sees that the board knows.
    fn change(&self, act: impl FnOnce(&mut Ward)) -> Result<()> {
        self.with(act);
        let row = self.with(|ward| serde_json::to_string(ward))?;
        if row != *self.stored.borrow() {
            self.state.storage().sql().exec(
                "INSERT OR REPLACE INTO ward (one, row) VALUES (1, ?)",
                vec![row.as_str().into()],
            )?;
            self.stored.replace(row);
        }
        self.with(|ward| self.tell_board(ward));
        Ok(())
    }

    /// Tells the board a change that it may not know. What it misses, it is told at the next occasion.
    fn tell_board(&self, ward: &Ward) {
        let n = ward.n();
        let Some(site) = ward.site().filter(|_| self.told.get() < n) else {
            return;
        };
        let (env, told, site, mode) = (
            self.env.clone(),
            Rc::clone(&self.told),
            site.to_owned(),
            ward.mode().clone(),
        );
        wasm_bindgen_futures::spawn_local(async move {
            match in_time(live_board::tell_mode(&env, &site, n, &mode)).await {
                Ok(()) => told.set(told.get().max(n)),
                Err(error) => {
                    worker::console_warn!("site {site}: the live board was not told: {error}");
                }
            }
        });
    }

    /// Reads the ward if the object has slept.
    fn load(&self) -> Result<()> {
        if self.ward.borrow().is_some() {
            return Ok(());
        }
        #[derive(Deserialize)]
        struct Stored {
            row: String,
        }
        #[derive(Deserialize)]
        struct StoredCall {
            call: String,
            row: String,
        }
        let sql = self.state.storage().sql();
        for table in SCHEMA {
            sql.exec(table, None)?;
        }
        let stored: Vec<Stored> = sql.exec("SELECT row FROM ward", None)?.to_array()?;
        let row = stored.into_iter().next().map(|stored| stored.row);
        let row = row.unwrap_or_default();
        let ward: Ward = match serde_json::from_str(&row) {
            Ok(ward) => ward,
            Err(_) if row.is_empty() => Ward::default(),
            Err(error) => {
                // Better begin anew than never answer again.
                worker::console_error!("a warden's row cannot be read: {error}");
                Ward::default()
            }
        };
        self.stored.replace(row);
        let calls: Vec<StoredCall> = sql.exec("SELECT call, row FROM heard", None)?.to_array()?;
        let heard = calls.into_iter().filter_map(|stored| {
            Some((stored.call, serde_json::from_str::<Last>(&stored.row).ok()?))
        });
        self.ward.replace(Some(ward.remembering(heard)));
        Ok(())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Ward) -> T) -> T {
        act(self.ward.borrow_mut().get_or_insert_default())
    }

    /// Sets an alarm for what ends by itself next, if anything does.
    async fn wake_again(&self, now: i64) -> Result<()> {
        let Some(due) = self.with(|ward| ward.due()) else {
            return Ok(());
        };
        if self.alarm.get().is_some_and(|alarm| alarm <= due) {
            return Ok(());
        }
        self.alarm.set(Some(due));
        let ahead = u64::try_from(due.saturating_sub(now)).unwrap_or_default();
        let ahead = Duration::from_millis(ahead).max(SOONEST);
        self.state.storage().set_alarm(ahead).await
    }
}
