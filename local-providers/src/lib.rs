//! The providers' wire protocols on this machine: Deepgram's `/v1/listen` (Nova), `/v2/listen` (Flux) and `/v1/speak`,
//! Groq's chat completions and list of models, Cloudflare's binding for models, and Twilio's side of a phone call ([`phone`]).
//!
//! One server on loopback answers all of them. The wire layer ([`deepgram`], [`groq`]) is the same in both modes;
//! behind it stand three small backends (recogniser, voice, model), of two kinds:
//!
//! - **speech** ([`speech`]): real engines without a network, so that a call can be held with no key at all;
//! - **scripted** ([`scripted`]): the test emulator, with fixed latencies, a script of what is heard and answered,
//!   faults on demand, and the vendors' habits exactly as seen on the wire.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use local_providers::{Config, Script};
//!
//! let script = Script::from_json(r#"{ "utterances": ["hello"], "replies": [{ "say": "Hi!" }] }"#)?;
//! let providers = local_providers::start(Config { script, ..Config::default() }).await?;
//! println!("{}", providers.base_url());
//! // … drive the product against it …
//! for entry in providers.log() {
//!     println!("{:9.1} {:?} {}", entry.at_ms, entry.dir, entry.kind);
//! }
//! # Ok(()) }
//! ```

mod audio;
mod backend;
mod body;
mod deepgram;
mod groq;
mod log;
pub mod phone;
pub mod script;
mod scripted;
mod server;
pub mod speech;
mod valve;
mod workers_ai;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

pub use audio::wav;
pub use log::{Direction, LogEntry, OpenConnection, Service};
pub use script::{Fault, FaultRule, Script, When};
pub use scripted::voice::tone_of;

use backend::Backend;
use log::Log;
use server::Shared;
use valve::{Taps, Valve};

/// What to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// 0 takes any free port.
    pub port: u16,
    pub mode: Mode,
    pub script: Script,
    /// Whether [`Providers::log`] has anything to give.
    pub keep_log: bool,
    /// Whether audio messages are logged too: 50 a second for each call and direction.
    pub log_audio: bool,
    /// Every entry is also written here, one JSON object a line.
    pub log_file: Option<PathBuf>,
    /// The only Deepgram key accepted; any key when absent.
    pub deepgram_key: Option<String>,
    /// The only Groq key accepted; any key when absent.
    pub groq_key: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            mode: Mode::Scripted,
            script: Script::default(),
            keep_log: true,
            log_audio: true,
            log_file: None,
            deepgram_key: None,
            groq_key: None,
        }
    }
}

/// What stands behind the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The test emulator.
    Scripted,
    /// Real engines from this folder, laid out as [`speech::engines_manifest`] says.
    Speech { engines: PathBuf },
}

/// The running providers. Dropping them ends every connection.
pub struct Providers {
    addr: SocketAddr,
    shared: Arc<Shared>,
    runtime: OwnRuntime,
}

/// Starts the providers on loopback; they accept connections when this returns.
///
/// They run on threads of their own, so that a test's busy runtime does not add to their latencies.
///
/// # Errors
/// When the port is taken, the log file cannot be made, or an engine is missing or does not load.
pub async fn start(config: Config) -> anyhow::Result<Providers> {
    let log = Log::new(config.keep_log, config.log_file.as_deref())
        .context("cannot make the log file")?;
    let runtime = OwnRuntime::new()?;
    let listener = runtime
        .handle()
        .spawn(TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)))
        .await?
        .with_context(|| format!("cannot listen on port {} of loopback", config.port))?;
    let addr = listener.local_addr()?;
    let backend = match &config.mode {
        Mode::Scripted => Backend::Scripted,
        Mode::Speech { engines } => {
            let engines = engines.clone();
            let engines = runtime
                .handle()
                .spawn_blocking(move || speech::Engines::load(&engines))
                .await??;
            Backend::Speech(Arc::new(engines))
        }
    };
    let shared = Arc::new(Shared::new(config, log, backend));
    let router = server::router(Arc::clone(&shared));
    runtime.handle().spawn(async move {
        let service = router.into_make_service_with_connect_info::<Valve>();
        axum::serve(Taps(listener), service).await
    });
    Ok(Providers {
        addr,
        shared,
        runtime,
    })
}

impl Providers {
    /// Where they listen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to give the product as `DEEPGRAM_BASE_URL` and `GROQ_BASE_URL`, and its runner as `WORKERS_AI_BASE_URL`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Everything logged so far, in order.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.log.snapshot()
    }

    /// The first logged entry that fits, past or to come: a test waits for a fact and not for a while.
    pub async fn logged(&self, fits: impl Fn(&LogEntry) -> bool) -> LogEntry {
        self.shared.log.find(fits).await
    }

    /// Forgets what was logged so far. Times and connection numbers go on.
    pub fn clear_log(&self) {
        self.shared.log.clear();
    }

    /// Now, on the log's clock.
    #[must_use]
    pub fn elapsed_ms(&self) -> f64 {
        self.shared.log.elapsed_ms()
    }

    /// Takes another script for connections opened from now on, and counts `nth` from 1 again.
    pub fn set_script(&self, script: Script) {
        self.shared.set_script(script);
    }

    /// Takes other faults in place of the script's, for connections opened from now on. The rest of the script stays as it is,
    /// `nth` goes on counting, and the rules' times count from now.
    pub fn set_faults(&self, faults: Vec<FaultRule>) {
        self.shared.set_faults(faults);
    }

    /// The connections that are open now, in the order in which they were opened. It needs no log to be kept.
    #[must_use]
    pub fn open_connections(&self) -> Vec<OpenConnection> {
        self.shared.log.open_connections()
    }

    /// Places a phone call to a worker. Returns once its media stream is open, or once the call is over without one.
    ///
    /// # Errors
    /// When the worker cannot be reached. A worker that refuses the call gives a call that is over.
    pub async fn dial(&self, dial: phone::Dial) -> anyhow::Result<phone::PhoneCall> {
        let shared = Arc::clone(&self.shared);
        self.runtime
            .handle()
            .spawn(phone::place(shared, dial))
            .await?
    }

    /// Makes something go wrong, at once, on every open connection of a service.
    ///
    /// It comes at once, whatever its [`When`] says. Faults that come before an answer ([`Fault`]) have no effect here.
    pub fn strike(&self, service: Service, fault: Fault) {
        self.shared.strike(service, fault);
    }

    /// Ends every connection and waits for it.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.0.take() {
            // Fails only while the caller's own runtime shuts down, and then there is nobody to wait.
            let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(STOP_LIMIT)).await;
        }
    }
}

/// A runtime that may be dropped anywhere: tokio's own must not be dropped inside another runtime's task.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("providers")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> &runtime::Handle {
        self.0
            .as_ref()
            .expect("taken only by stop, which consumes the providers")
            .handle()
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// One for the sockets, one so that a slow connection does not delay the others; the machine needs the rest for
/// what is measured.
const WORKER_THREADS: usize = 2;

/// Tasks end at their next await; only an engine in the middle of its work makes this wait.
const STOP_LIMIT: Duration = Duration::from_secs(2);
