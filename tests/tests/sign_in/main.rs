//! Who may use the dashboard, seen from outside: the worker on workerd with its database, asked as a browser would and as one would not.

mod access;
mod accounts;
mod guards;
mod pages;
mod setup;
mod team;
mod throttle;

use anyhow::ensure;
use local_providers::{Config, Providers};
use reqwest::header::SET_COOKIE;
use serde_json::Value;
use tempfile::TempDir;
use tests::dashboard::{Answer, Heard, PASSWORD, Visitor};
use tests::database::rows;
use tests::edge::{Edge, SETUP_CODE};

/// A cookie that looks like a session's and is nobody's.
const MADE_UP: &str = "__Host-voxanne=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a browser sends along when a page opens a socket.
const SOCKET: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

/// A worker with a database of its own, and what it must not say.
struct Desk {
    _providers: Providers,
    edge: Edge,
    state: TempDir,
    heard: Heard,
    secrets: Vec<String>,
}

impl Desk {
    async fn open() -> anyhow::Result<Self> {
        let providers = local_providers::start(Config::default()).await?;
        let state = TempDir::new()?;
        let edge = Edge::start_keeping(&providers, state.path()).await?;
        Ok(Self {
            _providers: providers,
            edge,
            state,
            heard: Heard::default(),
            secrets: vec![SETUP_CODE.to_owned(), PASSWORD.to_owned()],
        })
    }

    /// A browser that has not signed in, at this address.
    fn browser(&self, address: &str) -> anyhow::Result<Visitor> {
        let mut browser = Visitor::new(&self.edge)?;
        browser.address = Some(address.to_owned());
        browser.heard = Some(self.heard.clone());
        Ok(browser)
    }

    /// A browser at this address in which somebody with everybody's password has signed in.
    async fn signed_in(&self, email: &str, address: &str) -> anyhow::Result<Visitor> {
        let mut browser = self.browser(address)?;
        browser.sign_in(email).await?;
        Ok(browser)
    }

    /// The only row that a query with one parameter gives.
    async fn row(&self, query: &str, parameter: &str) -> anyhow::Result<Value> {
        let mut rows = rows(self.state.path(), query, parameter).await?;
        ensure!(rows.len() == 1, "{query}: {rows:?}");
        Ok(rows.remove(0))
    }

    /// From now on nobody may be told these.
    fn keep_secret<'a>(&mut self, secrets: impl IntoIterator<Item = &'a str>) {
        self.secrets.extend(secrets.into_iter().map(str::to_owned));
    }

    /// Nobody may be told what the database has instead of passwords and tokens either.
    async fn keep_hashes_secret(&mut self) -> anyhow::Result<()> {
        let query = "SELECT password AS hash FROM users WHERE password IS NOT NULL \
            UNION SELECT token_hash FROM sessions WHERE ?1 = ''";
        for row in rows(self.state.path(), query, "").await? {
            let hash = row["hash"].as_str().unwrap_or_default();
            ensure!(
                hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") || hash.len() == 64,
                "not a hash: {hash}"
            );
            self.keep_secret([hash]);
        }
        Ok(())
    }

    /// No secret was in an answer or in the worker's log. Passwords, tokens and the set-up code are not in the database either.
    fn close(self) -> anyhow::Result<()> {
        let Self {
            edge,
            state,
            heard,
            secrets,
            ..
        } = self;
        let heard = heard.all();
        ensure!(heard.len() > 1_000, "hardly anything was heard: {heard}");
        let log = edge.log().join("\n");
        // The database's file is complete when the worker has ended.
        drop(edge);
        let mut stored = Vec::new();
        read_all(&state.path().join("d1"), &mut stored)?;
        ensure!(stored.len() > 10_000, "hardly anything was stored");
        ensure!(!log.contains("@example.com"), "the log names somebody");
        for secret in &secrets {
            ensure!(!heard.contains(secret), "an answer has {secret}");
            ensure!(!log.contains(secret), "the log has {secret}");
            let is_hash = secret.len() == 64 || secret.starts_with("$argon2id$");
            let is_stored = stored
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            ensure!(is_hash || !is_stored, "the database has {secret}");
        }
        tests::figures::show(format_args!(
            "none of {} secrets in {} bytes of answers, {} of log, and in clear in {} of database",
            secrets.len(),
            heard.len(),
            log.len(),
            stored.len()
        ));
        Ok(())
    }
}

/// Whether this browser's session lives.
async fn is_in(browser: &Visitor) -> anyhow::Result<bool> {
    let answer = browser.get("/api/session").await?;
    ensure!(
        answer.status == 200 || answer.code() == "sign_in_required",
        "{} {}",
        answer.status,
        answer.text
    );
    Ok(answer.status == 200)
}

/// The token of a session's cookie.
fn token(browser: &Visitor) -> &str {
    let cookie = browser.cookie.as_deref().unwrap_or_default();
    cookie
        .split_once('=')
        .map_or("no cookie", |(_, token)| token)
}

/// The answer gives a browser one cookie, for this host and no script.
fn gives_a_session(answer: &Answer) -> anyhow::Result<()> {
    let value = cookie_for(answer, "Max-Age=2592000")?;
    ensure!(value.len() == 43, "{value:?}");
    Ok(())
}

/// The answer takes the cookie back.
fn takes_the_session_back(answer: &Answer) -> anyhow::Result<()> {
    let value = cookie_for(answer, "Max-Age=0")?;
    ensure!(value.is_empty(), "{value:?}");
    Ok(())
}

fn cookie_for<'a>(answer: &'a Answer, age: &str) -> anyhow::Result<&'a str> {
    let set = answer.headers.get_all(SET_COOKIE);
    ensure!(set.iter().count() == 1, "{:?}", answer.headers);
    let mut parts = answer.header("set-cookie").split("; ");
    let (name, value) = parts
        .next()
        .and_then(|pair| pair.split_once('='))
        .unwrap_or_default();
    ensure!(name == "__Host-voxanne", "the cookie is called {name:?}");
    let mut attributes: Vec<&str> = parts.collect();
    attributes.sort_unstable();
    ensure!(
        attributes == ["HttpOnly", age, "Path=/", "SameSite=Lax", "Secure"],
        "{attributes:?}"
    );
    Ok(value)
}

fn read_all(folder: &std::path::Path, all: &mut Vec<u8>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, all)?;
        } else {
            all.extend(std::fs::read(&path)?);
        }
    }
    Ok(())
}
