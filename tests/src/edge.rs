//! The worker on workerd, as `cargo xtask serve` runs it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use local_providers::Providers;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The value given for each key in tests: nothing served to a browser may contain it.
pub const DEEPGRAM_KEY: &str = "deepgram-secret-5f1c";
pub const GROQ_KEY: &str = "groq-secret-9a7e";

/// workerd answers within a second; a worker whose sources have changed is built first.
const READY: Duration = Duration::from_secs(300);

/// A running worker. Dropping it ends it and its children.
pub struct Edge {
    pub origin: String,
    child: Child,
}

impl Edge {
    /// Starts a worker whose providers are these.
    pub async fn start(providers: &Providers) -> anyhow::Result<Self> {
        let base = providers.base_url();
        Self::start_with(&[
            ("DEEPGRAM_API_KEY", DEEPGRAM_KEY),
            ("DEEPGRAM_BASE_URL", &base),
            ("GROQ_API_KEY", GROQ_KEY),
            ("GROQ_BASE_URL", &base),
        ])
        .await
    }

    /// Starts a worker with these settings and no others.
    pub async fn start_with(settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut command = Command::new(xtask());
        command
            .args(["serve", "--port", "0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file()?);
        for name in SETTINGS {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied()).kill_on_drop(true);
        let mut child = command
            .spawn()
            .context("cannot start xtask; run these tests by `cargo xtask test`")?;
        let stdout = child.stdout.take().context("no output")?;
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
        Ok(Self { origin, child })
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // SIGTERM lets it end its children; the kill on drop follows only if it is still there.
        if let Some(pid) = self
            .child
            .id()
            .and_then(|pid| libc::pid_t::try_from(pid).ok())
        {
            // SAFETY: a signal to a child that has not been waited for, so the number is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
            for _ in 0..200 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    return;
                }
                wait_a_moment();
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a destructor cannot await; it looks again until the child has ended"
)]
fn wait_a_moment() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Every setting the worker reads, so that a developer's environment does not leak into a test.
const SETTINGS: [&str; 14] = [
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
];

/// The built program that runs the worker.
#[must_use]
pub fn xtask() -> PathBuf {
    std::env::var_os("VOXANNE_XTASK").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug/xtask"),
        PathBuf::from,
    )
}

/// Where the worker's own messages go: a file if one is asked for, else nowhere.
fn log_file() -> anyhow::Result<Stdio> {
    Ok(match std::env::var_os("VOXANNE_WORKER_LOG") {
        Some(path) => std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?
            .into(),
        None => Stdio::null(),
    })
}
