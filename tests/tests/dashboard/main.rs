//! The dashboard's API through the worker on workerd and the database that it has there, asked by somebody without a browser.

mod calls;
mod demo;
mod feed;
mod figures;
mod hostile;
mod live;
mod race;
mod safe_mode;
mod settings;

use anyhow::{Context, ensure};
use front_desk::zone::{Zone, plus_days};
use front_desk::{Date, Weekday};
use local_providers::Providers;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::calendar::{Calendar, calendar};
use tests::dashboard::{Answer, Visitor};
use tests::database;
use tests::edge::Edge;
use tests::scripted;

/// The business that is there from the beginning.
const SITE: &str = "demo-dental";

/// A worker that keeps what it stores, with its first owner at the dashboard.
struct Office {
    state: TempDir,
    providers: Providers,
    edge: Edge,
    owner: Visitor,
}

impl Office {
    /// Opens one whose providers follow a script.
    async fn open(script: &str) -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let providers = scripted(script).await?;
        let edge = Edge::start_keeping(&providers, state.path()).await?;
        let owner = Visitor::first_owner(&edge).await?;
        Ok(Self {
            state,
            providers,
            edge,
            owner,
        })
    }

    /// Stops the worker, runs each statement with each of its lists of parameters, and starts the worker again.
    async fn rewritten(self, statements: &[(&str, Vec<Value>)]) -> anyhow::Result<Self> {
        let Self {
            state,
            providers,
            edge,
            owner,
        } = self;
        drop(edge);
        for (statement, lists) in statements {
            database::execute(state.path(), statement, lists)
                .await
                .with_context(|| (*statement).to_owned())?;
        }
        let edge = Edge::start_keeping(&providers, state.path()).await?;
        let cookie = owner.cookie;
        let mut owner = Visitor::new(&edge)?;
        owner.cookie = cookie;
        Ok(Self {
            state,
            providers,
            edge,
            owner,
        })
    }

    /// The rows of a query that names the business as its only parameter. There must be some, sooner or later.
    async fn rows(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        database::rows(self.state.path(), query, SITE).await
    }

    /// The one number that such a query gives.
    async fn number(&self, query: &str) -> anyhow::Result<i64> {
        let rows = self.rows(query).await?;
        let row = rows.first().and_then(Value::as_object);
        row.and_then(|row| row.values().next()?.as_i64())
            .with_context(|| format!("no number: {rows:?}"))
    }

    /// Looks at something that is there.
    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.owner.get(path).await?;
        ensure!(answer.status == StatusCode::OK, "{path}: {}", answer.text);
        Ok(answer.json())
    }

    /// Asks for an appointment.
    async fn ask_for(
        &self,
        service: &str,
        (day, time): (Date, &str),
        name: &str,
    ) -> anyhow::Result<Answer> {
        let form = json!({ "service": service, "day": day, "time": time, "name": name });
        self.owner.post("/api/bookings", &form).await
    }

    /// Books an appointment that can be had.
    async fn book(
        &self,
        service: &str,
        (day, time): (Date, &str),
        name: &str,
    ) -> anyhow::Result<Value> {
        let answer = self.ask_for(service, (day, time), name).await?;
        ensure!(
            answer.status == StatusCode::CREATED,
            "{service} on {day} at {time}: {}",
            answer.text
        );
        Ok(answer.json())
    }

    /// Saves the settings as this changes them.
    async fn save(&self, change: impl FnOnce(&mut Value)) -> anyhow::Result<Answer> {
        let mut settings = self.get("/api/settings").await?;
        let business = settings.get_mut("business").context("no business")?;
        change(business);
        let form = json!({ "version": settings["version"], "business": settings["business"] });
        self.owner.put("/api/settings", &form).await
    }

    /// The path of the calendar feed.
    async fn feed_path(&self) -> anyhow::Result<String> {
        let shown = self.get("/api/calendar").await?;
        let url = shown["url"].as_str().unwrap_or_default();
        let path = url.strip_prefix(&self.edge.origin);
        path.map(str::to_owned)
            .with_context(|| format!("the feed is elsewhere: {url}"))
    }

    /// The feed, as a calendar program reads it.
    async fn feed(&self) -> anyhow::Result<Calendar> {
        let answer = self.owner.get(&self.feed_path().await?).await?;
        ensure!(answer.status == StatusCode::OK, "{}", answer.text);
        calendar(&answer.text).await
    }
}

/// Now, in milliseconds since 1970.
fn now() -> anyhow::Result<i64> {
    let since = std::time::UNIX_EPOCH.elapsed().context("before 1970")?;
    Ok(i64::try_from(since.as_millis())?)
}

/// Such a day of the first business's calendar, one to two weeks ahead.
fn ahead(weekday: Weekday) -> anyhow::Result<Date> {
    let today = Zone::parse("America/New_York")?.today(now()?);
    (7..14)
        .map(|days| plus_days(today, days))
        .find(|day| day.weekday() == weekday)
        .context("seven days have every weekday")
}

/// All of an answer's bookings.
fn bookings(list: &Value) -> Vec<Value> {
    let days = list["days"].as_array().cloned().unwrap_or_default();
    let of_day = |day: Value| day["bookings"].as_array().cloned().unwrap_or_default();
    days.into_iter().flat_map(of_day).collect()
}
