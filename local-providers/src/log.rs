//! What was asked of the providers and what they answered: one entry for each message, with its time.
//!
//! Tests assert on it, so it keeps words and prompts whole. It is given to whoever asked for it (a test, or
//! the file named by `--log`) and printed nowhere.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::Instant;

/// Which of the vendors' services a connection belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// A recogniser by Cloudflare's binding for models, a socket
    AiListen,
    /// A voice by the same binding
    AiSpeak,
    /// `POST /openai/v1/chat/completions`
    Chat,
    /// `GET /v1/listen` or `GET /v2/listen`, a socket
    Listen,
    /// The media stream of a phone call: the socket is opened by the telephone company, and `In` is still the worker's
    Media,
    /// `GET /openai/v1/models`
    Models,
    /// `POST /2010-04-01/Accounts/…/Calls/….json`
    Rest,
    /// `GET /v1/speak`, a socket
    Speak,
    /// `POST /v1/speak`
    SpeakRest,
    /// A request of the telephone company to the worker
    Webhook,
}

/// Seen from the providers: `In` is what a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    In,
    Out,
    Open,
    Close,
}

/// One message, or the start or end of a connection.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Milliseconds since the providers started.
    pub at_ms: f64,
    /// Counts connections (sockets and requests) of all services from 1.
    pub conn: u64,
    pub service: Service,
    pub dir: Direction,
    /// The vendor's own message name (`KeepAlive`, `Results`, …) or `audio`, `request`, `token`.
    pub kind: Cow<'static, str>,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl LogEntry {
    /// A field of the entry; null when it has none of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }
}

/// A connection that has been opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OpenConnection {
    /// As in [`LogEntry::conn`].
    pub conn: u64,
    pub service: Service,
    /// When it was opened, as in [`LogEntry::at_ms`].
    pub since_ms: f64,
}

/// Where entries go.
pub(crate) struct Log {
    origin: Instant,
    /// None when nobody will read them: a demonstration may run for days.
    entries: Option<Mutex<Vec<LogEntry>>>,
    /// Changes with every entry.
    written: watch::Sender<u64>,
    file: Option<Mutex<BufWriter<File>>>,
    open: Mutex<BTreeMap<u64, OpenConnection>>,
}

impl Log {
    pub(crate) fn new(keep: bool, file: Option<&Path>) -> std::io::Result<Self> {
        let file = match file {
            Some(path) => Some(Mutex::new(BufWriter::new(File::create(path)?))),
            None => None,
        };
        Ok(Self {
            origin: Instant::now(),
            entries: keep.then(Mutex::default),
            written: watch::Sender::new(0),
            file,
            open: Mutex::default(),
        })
    }

    pub(crate) fn elapsed_ms(&self) -> f64 {
        self.origin.elapsed().as_secs_f64() * 1e3
    }

    pub(crate) fn snapshot(&self) -> Vec<LogEntry> {
        self.entries
            .as_ref()
            .map(|entries| locked(entries).clone())
            .unwrap_or_default()
    }

    pub(crate) fn open_connections(&self) -> Vec<OpenConnection> {
        locked(&self.open).values().copied().collect()
    }

    pub(crate) fn clear(&self) {
        if let Some(entries) = &self.entries {
            locked(entries).clear();
        }
    }

    fn write(&self, entry: LogEntry) {
        if let Some(file) = &self.file
            && let Ok(mut line) = serde_json::to_vec(&entry)
        {
            line.push(b'\n');
            let mut file = locked(file);
            // A full disk must not end a call that is being tested: the entry is still in memory.
            let _ = file.write_all(&line).and_then(|()| file.flush());
        }
        if let Some(entries) = &self.entries {
            locked(entries).push(entry);
        }
        self.written.send_modify(|count| *count += 1);
    }

    /// The first entry that fits, once there is one.
    pub(crate) async fn find(&self, fits: impl Fn(&LogEntry) -> bool) -> LogEntry {
        let mut written = self.written.subscribe();
        loop {
            written.mark_unchanged();
            if let Some(entry) = self
                .entries
                .as_ref()
                .and_then(|entries| locked(entries).iter().find(|entry| fits(entry)).cloned())
            {
                return entry;
            }
            if written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A holder that panicked left whole entries behind, so the lock's poison says nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log of one connection. Dropping it writes the `close` entry, whatever ended the connection.
pub(crate) struct Exchange {
    log: Arc<Log>,
    conn: u64,
    service: Service,
    ending: Value,
}

impl Exchange {
    pub(crate) fn open(log: Arc<Log>, conn: u64, service: Service, fields: Value) -> Self {
        let exchange = Self {
            log,
            conn,
            service,
            ending: serde_json::json!({ "by": "client" }),
        };
        let open = OpenConnection {
            conn,
            service,
            since_ms: exchange.log.elapsed_ms(),
        };
        locked(&exchange.log.open).insert(conn, open);
        exchange.write(Direction::Open, service.name(), fields);
        exchange
    }

    pub(crate) fn conn(&self) -> u64 {
        self.conn
    }

    pub(crate) fn received(&self, kind: impl Into<Cow<'static, str>>, fields: Value) {
        self.write(Direction::In, kind, fields);
    }

    pub(crate) fn sent(&self, kind: impl Into<Cow<'static, str>>, fields: Value) {
        self.write(Direction::Out, kind, fields);
    }

    /// What the `close` entry will say; "the client went away" until somebody says otherwise.
    pub(crate) fn ending(&mut self, ending: Value) {
        self.ending = ending;
    }

    fn write(&self, dir: Direction, kind: impl Into<Cow<'static, str>>, fields: Value) {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let at_ms = self.log.elapsed_ms();
        self.log.write(LogEntry {
            at_ms,
            conn: self.conn,
            service: self.service,
            dir,
            kind: kind.into(),
            fields,
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Whoever reads of the end finds the connection gone.
        locked(&self.log.open).remove(&self.conn);
        let ending = std::mem::take(&mut self.ending);
        self.write(Direction::Close, self.service.name(), ending);
    }
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::AiListen => "ai_listen",
            Self::AiSpeak => "ai_speak",
            Self::Chat => "chat",
            Self::Listen => "listen",
            Self::Media => "media",
            Self::Models => "models",
            Self::Rest => "rest",
            Self::Speak => "speak",
            Self::SpeakRest => "speak_rest",
            Self::Webhook => "webhook",
        }
    }
}
