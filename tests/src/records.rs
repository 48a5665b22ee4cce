//! `cargo xtask bench records`: what each answer of the dashboard's API costs with a year of a busy business in D1. Rows read are the
//! worker's own word (`Server-Timing`); the processor's time is all of workerd's, in which D1 and what stands before the worker run here too,
//! and so an upper bound of what the worker itself uses.

mod cases;
mod fill;

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use self::cases::{Case, Request};
pub use self::fill::{CALLS, TURNS};
use crate::dashboard::{Answer, Visitor};
use crate::edge::Edge;
use crate::figures::{Figure, show};
use crate::scripted;

/// What one kind of request cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    pub name: String,
    pub asked: usize,
    /// The most of any.
    pub rows_read: u64,
    pub most_rows: u64,
    pub bytes: usize,
    /// Medians, in milliseconds: of the processor, of D1 by its own account.
    pub cpu_ms: f64,
    pub d1_ms: f64,
    pub wall_p50_ms: f64,
    pub wall_p95_ms: f64,
}

/// What the worker may use for an answer, D1's own time aside.
const CPU_LIMIT_MS: f64 = 100.0;

/// Above the table of [`Cost`]s.
pub const HEADING: &str = "  rows (at most)     bytes  CPU ms   D1 ms  wall p50     p95   n";

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6} {:>9} {:>9} {:>7.1} {:>7.1} {:>9.1} {:>7.1} {:>3}  {}{}",
            self.rows_read,
            format!("({})", self.most_rows),
            self.bytes,
            self.cpu_ms,
            self.d1_ms,
            self.wall_p50_ms,
            self.wall_p95_ms,
            self.asked,
            self.name,
            if self.is_bounded() { "" } else { "  TOO MUCH" }
        )
    }
}

impl Cost {
    /// Whether it reads no more than its page and keeps the worker no longer than it should.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.rows_read <= self.most_rows && self.cpu_ms - self.d1_ms <= CPU_LIMIT_MS
    }
}

/// Fills a database and asks everything of it.
pub async fn costs() -> anyhow::Result<Vec<Cost>> {
    let providers = scripted("{}").await?;
    let folder = tempfile::tempdir()?;
    let state = folder.path();
    let edge = Edge::start_keeping(&providers, state).await?;
    let owner = Visitor::first_owner(&edge).await?;
    let settings = given(owner.get("/api/settings").await?, "settings")?;
    drop(edge);

    let now = now()?;
    let begun = Instant::now();
    fill::fill(state, now).await?;
    show(format_args!(
        "{} calls and {} turns in {:.0} s, {} MB",
        CALLS,
        TURNS,
        begun.elapsed().as_secs_f64(),
        megabytes(state)?
    ));

    let edge = Edge::start_keeping(&providers, state).await?;
    let cookie = owner.cookie;
    let mut owner = Visitor::new(&edge)?;
    owner.cookie = cookie;
    let feed = given(owner.get("/api/calendar").await?, "the feed's address")?.json()["url"]
        .as_str()
        .and_then(|url| url.strip_prefix(edge.origin.as_str()).map(str::to_owned))
        .context("no address of the feed")?;
    let cases = cases::all(now, &settings.json(), &feed)?;
    cases::check(&cases)?;
    let mut costs = Vec::new();
    for case in &cases {
        let cost = ask(&edge, &owner, case).await?;
        show(&cost);
        costs.push(cost);
    }
    costs.push(forgetting(&edge, &owner, &settings.json()["business"]).await?);
    Ok(costs)
}

/// Asks for one thing again and again, each time alone.
async fn ask(edge: &Edge, visitor: &Visitor, case: &Case) -> anyhow::Result<Cost> {
    let mut asked = Asked::default();
    let is_look = case
        .requests
        .iter()
        .all(|request| request.body.is_none() && request.method == "GET");
    if let (true, Some(first)) = (is_look, case.requests.first()) {
        // The first fills what is kept in memory.
        send(visitor, first).await?;
    }
    for request in &case.requests {
        asked.one(edge, visitor, request).await?;
    }
    Ok(asked.cost(&format!("{} {}", case.address, case.with), case.most_rows))
}

async fn send(visitor: &Visitor, request: &Request) -> anyhow::Result<Answer> {
    let body = request.body.as_ref().map(ToString::to_string);
    let answer = visitor.ask(request.method.clone(), &request.path, body, &[]);
    given(answer.await?, &request.path)
}

fn given(answer: Answer, what: &str) -> anyhow::Result<Answer> {
    ensure!(
        answer.status.is_success(),
        "{what}: {} {}",
        answer.status,
        answer.text
    );
    Ok(answer)
}

/// What was measured of some answers.
#[derive(Default)]
struct Asked {
    rows_read: u64,
    bytes: usize,
    cpu: Vec<f64>,
    d1: Vec<f64>,
    wall: Vec<f64>,
}

impl Asked {
    async fn one(
        &mut self,
        edge: &Edge,
        visitor: &Visitor,
        request: &Request,
    ) -> anyhow::Result<()> {
        let used = edge.usage()?.cpu;
        let begun = Instant::now();
        let answer = send(visitor, request).await?;
        self.wall.push(millis(begun.elapsed()));
        self.cpu
            .push(millis(edge.usage()?.cpu.saturating_sub(used)));
        let (rows, d1) = timing(&answer.headers).context("an answer does not say what it read")?;
        self.rows_read = self.rows_read.max(rows);
        self.bytes = self.bytes.max(answer.text.len());
        self.d1.push(d1);
        Ok(())
    }

    fn cost(self, name: &str, most_rows: u64) -> Cost {
        let asked = self.wall.len();
        let wall = Figure::of("", self.wall);
        Cost {
            name: name.trim().to_owned(),
            asked,
            rows_read: self.rows_read,
            most_rows,
            bytes: self.bytes,
            cpu_ms: Figure::of("", self.cpu).p50,
            d1_ms: Figure::of("", self.d1).p50,
            wall_p50_ms: wall.p50,
            wall_p95_ms: wall.p95,
        }
    }
}

/// Reads `d1;dur=1.8;desc="rows read 123"`.
fn timing(headers: &HeaderMap) -> Option<(u64, f64)> {
    let value = headers.get("Server-Timing")?.to_str().ok()?;
    let (millis, rows) = value
        .strip_prefix("d1;dur=")?
        .strip_suffix('"')?
        .split_once(";desc=\"rows read ")?;
    Some((rows.parse().ok()?, millis.parse().ok()?))
}

/// A month of calls gets too old at once: what the sweeps cost, and what somebody who asks meanwhile notices.
async fn forgetting(
    edge: &Edge,
    owner: &Visitor,
    business: &serde_json::Value,
) -> anyhow::Result<Cost> {
    let settings = given(owner.get("/api/settings").await?, "settings")?.json();
    let body =
        json!({ "version": settings["version"], "business": business, "retention_days": 335 });
    given(owner.put("/api/settings", &body).await?, "settings")?;

    let look = Request {
        method: reqwest::Method::GET,
        path: "/api/calls?limit=50".to_owned(),
        body: None,
    };
    let used = edge.usage()?.cpu;
    let begun = Instant::now();
    let is_over = Cell::new(false);
    let sweeping = async {
        let swept = owner.get("/cdn-cgi/local/scheduled").await;
        is_over.set(true);
        given(swept?, "the sweeps")?;
        anyhow::Ok(begun.elapsed())
    };
    let mut meanwhile = Asked::default();
    let asking = async {
        while !is_over.get() {
            meanwhile.one(edge, owner, &look).await?;
        }
        anyhow::Ok(())
    };
    let (took, asked) = tokio::join!(sweeping, asking);
    asked?;
    let cpu = edge.usage()?.cpu.saturating_sub(used);
    let said = "records that are too old are forgotten, ";
    let logged = edge.log();
    let line = logged.iter().rev().find_map(|line| line.split_once(said));
    let (_, swept) = line.context("the worker does not say what it forgot")?;
    show(format_args!(
        "a month forgotten at once {swept}, {:.0} ms on the clock, {:.0} ms of the processor's with who asked meanwhile",
        millis(took?),
        millis(cpu),
    ));
    let name = "GET /api/calls limit=50 while a month is forgotten";
    Ok(meanwhile.cost(name, 66))
}

fn megabytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder.join("d1").join("miniflare-D1DatabaseObject"))? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes / 1_000_000)
}

/// Now, in milliseconds since 1970.
fn now() -> anyhow::Result<i64> {
    let since = std::time::UNIX_EPOCH.elapsed().context("before 1970")?;
    Ok(i64::try_from(since.as_millis())?)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_the_worker_writes_it() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "Server-Timing",
            reqwest::header::HeaderValue::from_static("d1;dur=1.8;desc=\"rows read 123\""),
        );
        assert_eq!(timing(&headers), Some((123, 1.8)));
        headers.clear();
        assert_eq!(timing(&headers), None);
    }
}
