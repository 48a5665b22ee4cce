//! The worker on workerd, as `cargo xtask serve` runs it.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use local_providers::Providers;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::caller::PATIENCE;
use crate::usage::{self, Usage};

/// The value given for each key in tests: nothing served to a browser may contain it.
pub const DEEPGRAM_KEY: &str = "deepgram-secret-5f1c";
pub const GROQ_KEY: &str = "groq-secret-9a7e";
pub const TWILIO_ACCOUNT: &str = "AC5ec4e70000000000000000000000c0de";
pub const TWILIO_TOKEN: &str = "twilio-secret-3d8b";
/// Lets the first owner make an account.
pub const SETUP_CODE: &str = "setup-secret-7b2d";

/// workerd answers within a second; a worker whose sources have changed is built first.
const READY: Duration = Duration::from_secs(300);

/// Longer than any answer takes to be heard.
const LONG_ANSWER: Duration = Duration::from_secs(120);

/// A running worker. Dropping it ends it and its children.
pub struct Edge {
    pub origin: String,
    program: Program,
    child: Mutex<Child>,
    log: Log,
}

type Log = Arc<Mutex<Said>>;

/// What the worker has said.
#[derive(Default)]
struct Said {
    lines: Vec<String>,
    /// Each call's states, so that nobody has to look through all lines for them.
    states: HashMap<String, Vec<LoggedState>>,
}

/// How the worker is started.
struct Program {
    settings: Vec<(String, String)>,
    state: Option<PathBuf>,
}

/// A state of a call as the worker's log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedState {
    pub turn: u32,
    pub state: String,
    pub reason: String,
}

impl std::fmt::Display for LoggedState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "turn {}: {} ({})", self.turn, self.state, self.reason)
    }
}

impl Edge {
    /// Starts a worker whose providers are these.
    pub async fn start(providers: &Providers) -> anyhow::Result<Self> {
        Self::start_with_more(providers, &[]).await
    }

    /// Starts a worker whose providers are these, with these settings too.
    pub async fn start_with_more(
        providers: &Providers,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let base = providers.base_url();
        let settings = [&own_settings(&base)[..], more].concat();
        Self::serve(&settings, None).await
    }

    /// Starts a worker that has the binding for models too, with these settings.
    pub async fn start_with_binding(
        providers: &Providers,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let base = providers.base_url();
        let more = [more, &[(MODELS_BINDING, base.as_str())]].concat();
        Self::start_with_more(providers, &more).await
    }

    /// Starts a worker whose providers are these and that keeps what it stores in this folder.
    pub async fn start_keeping(providers: &Providers, state: &Path) -> anyhow::Result<Self> {
        Self::serve(&own_settings(&providers.base_url()), Some(state)).await
    }

    /// Kills the runtime as a crash would, without a word to anybody.
    pub fn kill_runtime(&self) -> anyhow::Result<()> {
        usage::kill_workerd_under(self.pid()?)
    }

    /// Starts another worker where this one was, with what it has stored.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let (_, port) = self.origin.rsplit_once(':').context("no port")?;
        tokio::task::block_in_place(|| end(&mut locked(&self.child)));
        let (child, _) = self.program.start(port.parse()?, &self.log).await?;
        *locked(&self.child) = child;
        Ok(())
    }

    /// Starts a worker with these settings and no others.
    pub async fn start_with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::serve(settings, None).await
    }

    async fn serve(settings: &[(&str, &str)], state: Option<&Path>) -> anyhow::Result<Self> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let program = Program {
            settings: settings.iter().map(owned).collect(),
            state: state.map(Path::to_owned),
        };
        let log = Log::default();
        let (child, origin) = program.start(0, &log).await?;
        Ok(Self {
            origin,
            program,
            child: Mutex::new(child),
            log,
        })
    }

    fn pid(&self) -> anyhow::Result<u32> {
        locked(&self.child).id().context("the worker has ended")
    }

    /// The worker's own messages so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        locked(&self.log).lines.clone()
    }

    /// The states that a call has been in.
    #[must_use]
    pub fn states(&self, call: &str) -> Vec<LoggedState> {
        let said = locked(&self.log);
        said.states.get(call).cloned().unwrap_or_default()
    }

    /// Waits until a call is or has been in this state in this turn or a later one.
    pub async fn until_state(
        &self,
        call: &str,
        state: &str,
        turn: u32,
    ) -> anyhow::Result<LoggedState> {
        let wanted = |states: &[LoggedState]| {
            let fits = |logged: &&LoggedState| logged.state == state && logged.turn >= turn;
            states.iter().find(fits).cloned()
        };
        let what = format!("{state} in turn {turn}");
        self.until(PATIENCE, call, &what, wanted).await
    }

    /// Waits until an answer has begun after the first `known` states of a call and the caller has the floor again.
    pub async fn until_answered(&self, call: &str, known: usize) -> anyhow::Result<()> {
        let is = |name: &'static str| move |logged: &LoggedState| logged.state == name;
        let wanted = |states: &[LoggedState]| {
            let new = states.get(known..)?;
            let speaks = new.iter().position(is("Speaking"))?;
            new.iter().skip(speaks).any(is("Listening")).then_some(())
        };
        let what = format!("an answer after {known} states");
        self.until(LONG_ANSWER, call, &what, wanted).await
    }

    async fn until<T>(
        &self,
        patience: Duration,
        call: &str,
        what: &str,
        pick: impl Fn(&[LoggedState]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let look = async {
            loop {
                if let Some(found) = pick(&self.states(call)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(patience, look).await.with_context(|| {
            let states = self.states(call);
            let shown: Vec<String> = states.iter().map(LoggedState::to_string).collect();
            format!("waiting for {what}: {shown:#?}")
        })
    }

    /// What the worker has used of the machine.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        usage::of_workerd_under(self.pid()?)
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        end(&mut locked(&self.child));
    }
}

impl Program {
    /// Starts the worker and gives it and where it is; port 0 is any that is free.
    async fn start(&self, port: u16, log: &Log) -> anyhow::Result<(Child, String)> {
        let mut command = Command::new(xtask());
        command
            .args(["serve", "--port", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(state) = &self.state {
            command.arg("--state").arg(state);
        }
        for name in SETTINGS {
            command.env_remove(name);
        }
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.envs(settings).kill_on_drop(true);
        let mut child = command
            .spawn()
            .context("cannot start xtask; run these tests by `cargo xtask test`")?;
        let stdout = child.stdout.take().context("no output")?;
        let stderr = child.stderr.take().context("no messages")?;
        tokio::spawn(keep(stderr, Arc::clone(log), log_file()?));
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(origin) = line.strip_prefix("listening on ") {
                    return Ok(origin.trim().to_owned());
                }
            }
            bail!("the worker ended before it was ready")
        };
        let origin = tokio::time::timeout(READY, ready)
            .await
            .context("the worker is not ready in time")??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((child, origin))
    }
}

/// Ends a worker and waits for it.
fn end(child: &mut Child) {
    // SIGTERM lets it end its children; the kill on drop follows only if it is still there.
    let Some(pid) = child.id().and_then(|pid| libc::pid_t::try_from(pid).ok()) else {
        return;
    };
    // SAFETY: a signal to a child that has not been waited for, so the number is still its own.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    for _ in 0..200 {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        wait_a_moment();
    }
}

/// A holder that panicked left whole entries behind, so the lock's poison says nothing.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a destructor cannot await; it looks again until the child has ended"
)]
fn wait_a_moment() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Keys of our own and the providers' address, for every vendor there is.
fn own_settings(base: &str) -> [(&'static str, &str); 8] {
    [
        ("DEEPGRAM_API_KEY", DEEPGRAM_KEY),
        ("DEEPGRAM_BASE_URL", base),
        ("GROQ_API_KEY", GROQ_KEY),
        ("GROQ_BASE_URL", base),
        ("TWILIO_ACCOUNT_SID", TWILIO_ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TWILIO_TOKEN),
        ("TWILIO_BASE_URL", base),
        ("SETUP_CODE", SETUP_CODE),
    ]
}

/// Reads `call ID turn N: State, reason`.
fn logged_state(line: &str) -> Option<(String, LoggedState)> {
    let (_, rest) = line.split_once("call ")?;
    let (call, rest) = rest.split_once(" turn ")?;
    let (turn, rest) = rest.split_once(": ")?;
    let (state, reason) = rest.split_once(", ")?;
    let state = LoggedState {
        turn: turn.parse().ok()?,
        state: state.to_owned(),
        reason: reason.trim_end().to_owned(),
    };
    Some((call.to_owned(), state))
}

/// Every setting that the worker and its runner read, so that a developer's environment does not leak into a test.
const SETTINGS: [&str; 18] = [
    "ACCESS_AUD",
    "ACCESS_TEAM_DOMAIN",
    "DEEPGRAM_API_KEY",
    "DEEPGRAM_BASE_URL",
    "STT_MODEL",
    "TTS_VOICE",
    "GROQ_API_KEY",
    "GROQ_BASE_URL",
    "LLM_MODEL",
    "LLM_FALLBACK_MODEL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_BASE_URL",
    "PUBLIC_ORIGIN",
    "SETUP_CODE",
    "ALLOWED_ORIGINS",
    "CALLS_AT_ONCE",
    MODELS_BINDING,
];

/// Gives the worker the binding for models, and says where it is answered.
const MODELS_BINDING: &str = "WORKERS_AI_BASE_URL";

/// The built program that runs the worker.
#[must_use]
pub fn xtask() -> PathBuf {
    std::env::var_os("VOXANNE_XTASK").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug/xtask"),
        PathBuf::from,
    )
}

/// Keeps what the worker says, and repeats it in a file if one is asked for.
async fn keep(
    stderr: impl tokio::io::AsyncRead + Unpin,
    log: Log,
    mut copy: Option<std::fs::File>,
) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(copy) = &mut copy {
            // A full disk is no reason to fail a test.
            let _ = writeln!(copy, "{line}");
        }
        let mut said = locked(&log);
        if let Some((call, state)) = logged_state(&line) {
            said.states.entry(call).or_default().push(state);
        }
        said.lines.push(line);
    }
}

/// Where the worker's messages are repeated, if anywhere.
fn log_file() -> anyhow::Result<Option<std::fs::File>> {
    let path = std::env::var_os("VOXANNE_WORKER_LOG");
    let open = |path| {
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
    };
    Ok(path.map(open).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_off_the_log() {
        let line = "call abc turn 2: Processing, end of turn";
        let (call, state) = logged_state(line).expect("a state");
        assert_eq!(call, "abc");
        assert_eq!(state.to_string(), "turn 2: Processing (end of turn)");
        assert_eq!(logged_state("call abc: refused: TooLarge"), None);
    }
}
