//! `LiveBoard`: one Durable Object for each business, named by its id: which calls are on and whether it is in Safe Mode,
//! told to the pages that watch.
//!
//! Stored, in the object's own SQLite: `live`, one row for each call that is on or has just ended, as [`board::Row`]; and `mode`, one row, as
//! [`board::Told`]. A row is written before anybody is told of it, so that a board that slept tells the next page the same.
//!
//! Requests are [`BoardRequest`]s: a call reports, and learns whether there is room for it; the warden tells the mode; a page watches. Pages' sockets sleep with the object; nothing is taken from them. A call
//! never waits for the board, and the board holds nothing of what is said in one.

mod board;
mod watcher;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use voice_core::wire::Phase;
use worker::worker_sys::WebSocketRequestResponsePair;
use worker::{
    DurableObject, Env, Error, Method, Request, RequestInit, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, durable_object,
};

use crate::clock::{unix_millis, within};
use crate::internal;
use crate::problem::Problem;
use crate::settings::CallsAtOnce;
use crate::store::record::Door;
use crate::warden::SafeMode;
use board::{Board, Row, Told};
use watcher::{Heard, Watcher};

/// The binding's name.
const BINDING: &str = "LIVE";

/// How long a board may take to answer: it does nothing but remember.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pages of one business that watch at the same time. Each is told of every change.
const MOST_SOCKETS: usize = 100;

/// How long a page may watch before it has to show again who it is for.
const WATCH_MS: u64 = 60 * 60 * 1_000;

/// Closes a page's socket so that it comes back (an application's own code, RFC 6455, 7.4.2).
const COME_BACK: u16 = 4_000;

/// Closes the socket of a page that says something.
const POLICY: u16 = 1_008;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS live (id TEXT PRIMARY KEY, row TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS mode (one INTEGER PRIMARY KEY CHECK (one = 1), row TEXT NOT NULL)",
];

/// What a call tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The call's id.
    pub call: String,
    pub site: String,
    pub door: Door,
    /// The number of a caller by telephone.
    pub caller: Option<String>,
    /// Milliseconds since 1970.
    pub started_at: i64,
    /// Turns that have begun.
    pub turns: u32,
    /// None: it is over.
    pub state: Option<LiveState>,
    /// Grows with each report of a call: one that comes late is not news.
    pub n: u32,
}

/// What goes on in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    Listening,
    /// The telephone rings.
    Ringing,
    Speaking,
    Thinking,
}

impl LiveState {
    /// What a conversation's phase is to somebody who looks on. None: it is over.
    #[must_use]
    pub const fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Ended => None,
            Phase::Idle | Phase::Interrupted | Phase::Listening => Some(Self::Listening),
            Phase::Processing => Some(Self::Thinking),
            Phase::Speaking => Some(Self::Speaking),
        }
    }
}

/// One text frame to a page. Nothing of what is said in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// A call has begun, or is in another state.
    Call(LiveCall),
    /// A call is over.
    Gone { id: String },
    /// Safe Mode has begun or ended, or something else is its cause.
    SafeMode(SafeMode),
    /// The first frame: the calls that are on, the oldest first, and whether the business is in Safe Mode.
    Snapshot {
        calls: Vec<LiveCall>,
        safe_mode: SafeMode,
    },
}

/// A call that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LiveCall {
    pub id: String,
    pub site: String,
    #[cfg_attr(test, ts(type = "\"browser\" | \"phone\""))]
    pub door: Door,
    pub state: LiveState,
    /// The number of a caller by telephone.
    pub caller: Option<String>,
    /// UTC, in milliseconds since 1970.
    pub started_at: i64,
    /// Turns that have begun.
    pub turns: u32,
}

/// Whether there is room for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// As many calls as may be are on, and this is none of them.
    Full,
    Given,
}

/// Tells the board of a call's business, of which `most` calls may be on. The call goes on if nothing comes of it: what fails is the log's.
pub async fn tell(env: &Env, report: &Report, most: CallsAtOnce) -> Option<Room> {
    let request = BoardRequest::Report {
        report: report.clone(),
        most: most.number(),
    };
    let told = async {
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(internal::headers(&request)?);
        ask(env, &report.site, &init).await?.json().await
    };
    told.await
        .inspect_err(|error| {
            worker::console_warn!("call {}: the live board was not told: {error}", report.call);
        })
        .ok()
}

/// Tells the board of a business its mode. `n` grows with each change of it.
pub async fn tell_mode(env: &Env, site: &str, n: u64, mode: &SafeMode) -> Result<()> {
    let mode = mode.clone();
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(internal::headers(&BoardRequest::Mode(Told { n, mode }))?);
    ask(env, site, &init).await.map(drop)
}

/// Opens a page's socket on the board of a business. `until` is when whoever it is for has to be asked again at the latest.
pub async fn watch(env: &Env, site: &str, until: Option<u64>) -> Result<Response> {
    let most = unix_millis().saturating_add(WATCH_MS);
    let until = until.map_or(most, |until| until.min(most));
    let headers = internal::headers(&BoardRequest::Watch { until })?;
    headers.set("Upgrade", "websocket")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    ask(env, site, &init).await
}

async fn ask(env: &Env, site: &str, init: &RequestInit) -> Result<Response> {
    let request = Request::new_with_init("https://board/", init)?;
    let board = env.durable_object(BINDING)?.get_by_name(site)?;
    let answer = within(PATIENCE, board.fetch_with_request(request)).await;
    answer.unwrap_or_else(|| Err(Error::RustError("no answer in time".to_owned())))
}

/// What the worker asks of a board.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BoardRequest {
    Mode(Told),
    Report { report: Report, most: usize },
    Watch { until: u64 },
}

/// Which calls of one business are on.
#[durable_object]
pub struct LiveBoard {
    state: State,
    heard: Heard,
    board: RefCell<Option<Board>>,
    /// When the next alarm comes, as far as this waking of the object knows.
    alarm: Cell<Option<u64>>,
}

impl DurableObject for LiveBoard {
    fn new(state: State, _env: Env) -> Self {
        // Keeps proxies from closing a quiet socket, without waking the object.
        if let Ok(pair) = WebSocketRequestResponsePair::new("ping", "pong") {
            state.set_websocket_auto_response(&pair);
        }
        let (state, heard) = Heard::of(state);
        Self {
            state,
            heard,
            board: RefCell::new(None),
            alarm: Cell::new(None),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match internal::read(&request) {
            Some(BoardRequest::Mode(told)) => self.hear_mode(told),
            Some(BoardRequest::Report { report, most }) => self.hear(report, most).await,
            Some(BoardRequest::Watch { until }) => self.admit(until).await,
            None => Problem::bad_request("not a request of this worker").into_response(),
        }
    }

    /// Some call may not have reported for too long, or some page has to come back.
    async fn alarm(&self) -> Result<Response> {
        self.alarm.set(None);
        self.load()?;
        self.send_back()?;
        let silent = self.with(|board| board.sweep(unix_millis()));
        for id in silent.forgotten {
            self.forget(&id)?;
        }
        for id in silent.gone {
            self.say(&LiveEvent::Gone { id })?;
        }
        self.wake_again().await?;
        Response::empty()
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        _: WebSocketIncomingMessage,
    ) -> Result<()> {
        socket.close(Some(POLICY), Some("this socket only tells"))
    }

    async fn websocket_close(&self, socket: WebSocket, _: usize, _: String, _: bool) -> Result<()> {
        // Answers the page's own closing; it may be closed altogether by now.
        let _ = socket.close(Some(1_000), Some(""));
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _: Error) -> Result<()> {
        let _ = socket.close(Some(1_011), Some(""));
        Ok(())
    }
}

impl LiveBoard {
    async fn hear(&self, report: Report, most: usize) -> Result<Response> {
        self.load()?;
        let id = report.call.clone();
        let news = self.with(|board| board.hear(report, most, unix_millis()));
        for forgotten in news.forgotten {
            self.forget(&forgotten)?;
        }
        if let Some(row) = news.row {
            let row = serde_json::to_string(&row)?;
            self.state.storage().sql().exec(
                "INSERT OR REPLACE INTO live (id, row) VALUES (?, ?)",
                vec![id.into(), row.into()],
            )?;
        }
        if let Some(event) = news.event {
            self.say(&event)?;
        }
        self.wake_again().await?;
        Response::from_json(&if news.is_full {
            Room::Full
        } else {
            Room::Given
        })
    }

    fn hear_mode(&self, told: Told) -> Result<Response> {
        self.load()?;
        if let Some(told) = self.with(|board| board.hear_mode(told)) {
            let row = serde_json::to_string(&told)?;
            self.state.storage().sql().exec(
                "INSERT OR REPLACE INTO mode (one, row) VALUES (1, ?)",
                vec![row.into()],
            )?;
            self.say(&LiveEvent::SafeMode(told.mode))?;
        }
        Response::empty()
    }

    async fn admit(&self, until: u64) -> Result<Response> {
        if self.state.get_websockets().len() >= MOST_SOCKETS {
            let why = "too many pages watch already";
            return Problem::conflict("too_many_watchers", why).into_response();
        }
        self.load()?;
        let pair = WebSocketPair::new()?;
        self.state.accept_web_socket(&pair.server);
        pair.server.serialize_attachment(Watcher {
            until,
            since: unix_millis(),
        })?;
        let first = self.with(|board| board.snapshot());
        pair.server.send_with_str(serde_json::to_string(&first)?)?;
        self.wake_again().await?;
        Response::from_websocket(pair.client)
    }

    /// Tells every page, except those that have to come back first.
    fn say(&self, event: &LiveEvent) -> Result<()> {
        self.send_back()?;
        let text = serde_json::to_string(event)?;
        for socket in self.state.get_websockets() {
            // Whoever has gone in the meantime hears nothing, and that is all. So it is with one that has just been closed.
            let _ = socket.send_with_str(&text);
        }
        Ok(())
    }

    /// Closes the sockets of pages that have to show again who they are, and of those that are dead: what is told to one that does not read waits without
    /// an end.
    fn send_back(&self) -> Result<()> {
        let now = unix_millis();
        for (socket, watcher) in self.watchers()? {
            if watcher.until <= now {
                let _ = socket.close(Some(COME_BACK), Some("show again who you are"));
            } else if watcher.is_dead(self.heard.last(&socket), now) {
                let _ = socket.close(Some(COME_BACK), Some("nothing was heard of you"));
            }
        }
        Ok(())
    }

    /// The pages that watch.
    fn watchers(&self) -> Result<Vec<(WebSocket, Watcher)>> {
        let sockets = self.state.get_websockets().into_iter();
        sockets
            .map(|socket| {
                let watcher: Option<Watcher> = socket.deserialize_attachment()?;
                Ok((socket, watcher.unwrap_or_default()))
            })
            .collect()
    }

    /// Reads the board if the object has slept.
    fn load(&self) -> Result<()> {
        if self.board.borrow().is_some() {
            return Ok(());
        }
        #[derive(Deserialize)]
        struct Stored {
            row: String,
        }
        let sql = self.state.storage().sql();
        for table in SCHEMA {
            sql.exec(table, None)?;
        }
        let stored: Vec<Stored> = sql.exec("SELECT row FROM live", None)?.to_array()?;
        let rows = stored
            .iter()
            .filter_map(|stored| serde_json::from_str::<Row>(&stored.row).ok());
        let mode: Vec<Stored> = sql.exec("SELECT row FROM mode", None)?.to_array()?;
        let mode = mode.first();
        let mode = mode.and_then(|stored| serde_json::from_str(&stored.row).ok());
        self.board
            .replace(Some(Board::of(rows, mode.unwrap_or_default())));
        Ok(())
    }

    fn forget(&self, id: &str) -> Result<()> {
        let sql = self.state.storage().sql();
        sql.exec("DELETE FROM live WHERE id = ?", vec![id.into()])?;
        Ok(())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        act(self.board.borrow_mut().get_or_insert_default())
    }

    /// Sets an alarm for the next call that may be silent for too long and the next page that has to come back, if there is any.
    async fn wake_again(&self) -> Result<()> {
        let now = unix_millis();
        let pages = self
            .watchers()?
            .into_iter()
            .map(|(_, watcher)| watcher.until);
        // One that was closed may be listed for a while.
        let pages = pages.filter(|until| *until > now).min();
        let Some(due) = self
            .with(|board| board.due())
            .into_iter()
            .chain(pages)
            .min()
        else {
            return Ok(());
        };
        if self.alarm.get().is_some_and(|alarm| alarm <= due) {
            return Ok(());
        }
        self.alarm.set(Some(due));
        let ahead = Duration::from_millis(due.saturating_sub(now).max(1_000));
        self.state.storage().set_alarm(ahead).await
    }
}
