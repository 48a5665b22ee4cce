//! The calendar feed, as whoever has its address sees it.

use anyhow::{Context, ensure};
use front_desk::hours::TimeOfDay;
use front_desk::zone::{Zone, plus_days};
use front_desk::{Date, Weekday};
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::calendar::{Event, calendar, wall_clock};
use tests::dashboard::{Answer, Visitor};
use tests::figures::show;

use crate::{Office, SITE, ahead, now};

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_what_is_booked_for_whoever_has_its_address() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    a_calendar_program_asks_again_and_again(&office).await?;
    an_address_is_secret_and_can_be_renewed(&office).await?;
    the_clocks_change(&office).await?;
    it_is_bounded(office).await
}

/// A calendar program: it has the address, and nothing else.
struct Program {
    visitor: Visitor,
    path: String,
}

impl Program {
    async fn of(office: &Office) -> anyhow::Result<Self> {
        let mut visitor = Visitor::new(&office.edge)?;
        visitor.origin = None;
        let path = office.feed_path().await?;
        Ok(Self { visitor, path })
    }

    async fn ask(&self, known: &str) -> anyhow::Result<Answer> {
        let headers = [("If-None-Match", known)];
        let headers = if known.is_empty() { &[][..] } else { &headers };
        self.visitor
            .ask(Method::GET, &self.path, None, headers)
            .await
    }

    async fn events(&self) -> anyhow::Result<Vec<Event>> {
        Ok(calendar(&self.ask("").await?.text).await?.events)
    }
}

async fn a_calendar_program_asks_again_and_again(office: &Office) -> anyhow::Result<()> {
    let program = Program::of(office).await?;
    let empty = program.ask("").await?;
    ensure!(
        empty.status == 200 && calendar(&empty.text).await?.events.is_empty(),
        "{}",
        empty.text
    );
    for (header, value) in [
        ("content-type", "text/calendar; charset=utf-8"),
        ("cache-control", "private, no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        ensure!(
            empty.header(header) == value,
            "{header}: {:?}",
            empty.headers
        );
    }
    let tag = empty.header("etag").to_owned();
    ensure!(tag.len() > 20 && tag.starts_with('"'), "{tag}");
    let same = program.ask("").await?;
    ensure!(
        same.text == empty.text && same.header("etag") == tag,
        "the same feed is another"
    );
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = program.ask(&known).await?;
        ensure!(
            answer.status == 304 && answer.text.is_empty() && answer.header("etag") == tag,
            "{known}: {} {:?}",
            answer.status,
            answer.headers
        );
    }
    for known in ["\"x\"", "x", &tag.replace('"', "")] {
        ensure!(program.ask(known).await?.status == 200, "{known}");
    }

    let day = ahead(Weekday::Wednesday)?;
    let booked = office.book("cleaning", (day, "10:00"), "Ann Lee").await?;
    let changed = program.ask(&tag).await?;
    ensure!(
        changed.status == 200 && changed.header("etag") != tag,
        "{:?}",
        changed.headers
    );
    let id = booked["id"].as_str().unwrap_or_default();
    let mut seen = vec![only(program.events().await?)?];
    for (change, status) in [
        ("cancel", "cancelled"),
        ("restore", "booked"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
    ] {
        let path = format!("/api/bookings/{id}/{change}");
        let answer = office.owner.post(&path, &json!({})).await?.json();
        ensure!(answer["status"] == status, "{answer}");
        seen.push(only(program.events().await?)?);
    }
    let told: Vec<(&str, u32)> = seen
        .iter()
        .map(|event| (event.status.as_str(), event.sequence))
        .collect();
    show(format_args!(
        "booked, cancelled, restored, cancelled twice: {told:?}"
    ));
    let expected = [
        ("CONFIRMED", 0),
        ("CANCELLED", 1),
        ("CONFIRMED", 2),
        ("CANCELLED", 3),
        ("CANCELLED", 3),
    ];
    ensure!(told == expected, "{told:?}");
    for event in &seen {
        ensure!(
            event.uid == seen[0].uid
                && event.starts_at == booked["starts"]["at"]
                && event.ends_at == booked["ends"]["at"],
            "{event:?}"
        );
        ensure!(
            event.summary == "cleaning: Ann Lee" && event.description.contains("90 USD"),
            "{event:?}"
        );
    }
    // The same time, given to another, is another event.
    office.book("cleaning", (day, "10:00"), "Ben Orr").await?;
    let events = program.events().await?;
    ensure!(
        events.len() == 2 && events[0].uid != events[1].uid,
        "{events:?}"
    );
    Ok(())
}

fn only(mut events: Vec<Event>) -> anyhow::Result<Event> {
    ensure!(events.len() == 1, "{events:?}");
    events.pop().context("no event")
}

async fn an_address_is_secret_and_can_be_renewed(office: &Office) -> anyhow::Result<()> {
    let viewer = office.owner.viewer().await?;
    let looked = viewer.get("/api/calendar").await?;
    let renewed = viewer.post("/api/calendar/renew", &json!({})).await?;
    ensure!(
        looked.code() == "owner_only" && renewed.code() == "owner_only",
        "{}",
        looked.text
    );
    let version = office.get("/api/settings").await?["version"].clone();

    let old = Program::of(office).await?;
    let before = old.ask("").await?;
    let answer = office.owner.post("/api/calendar/renew", &json!({})).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    let new = Program::of(office).await?;
    ensure!(
        new.path != old.path && answer.text.contains(&new.path),
        "{}",
        answer.text
    );
    for known in ["", before.header("etag"), "*"] {
        let gone = old.ask(known).await?;
        ensure!(
            gone.status == 404 && gone.code() == "not_found" && !gone.text.contains("Ann Lee"),
            "{known}: {}",
            gone.text
        );
    }
    ensure!(
        new.ask("").await?.text == before.text,
        "the feed is another"
    );
    let audited = office
        .number("SELECT count(*) FROM audit WHERE action = 'calendar.renew' AND subject = ?1")
        .await?;
    ensure!(audited == 1, "{audited} in the audit");

    // Of several who renew at once, one has the address that is.
    let form = json!({});
    let renewals = (0..5).map(|_| office.owner.post("/api/calendar/renew", &form));
    try_join_all(renewals).await?;
    ensure!(
        new.ask("").await?.status == 404,
        "an old address still leads somewhere"
    );
    let last = Program::of(office).await?;
    ensure!(
        last.ask("").await?.status == 200,
        "the address leads nowhere"
    );
    // Whoever has the settings open may still save them.
    ensure!(
        office.get("/api/settings").await?["version"] == version,
        "another version"
    );

    let token = last
        .path
        .trim_start_matches("/calendar/")
        .trim_end_matches(".ics")
        .to_owned();
    ensure!(token.len() >= 22, "a short secret: {token}");
    for file in [
        token.clone(),
        format!("{token}.ICS"),
        format!("{}.ics", token.to_uppercase()),
        format!("{}.ics", &token[1..]),
        format!("{token}0.ics"),
        format!("{}.ics", "0".repeat(token.len())),
        format!("{token}%00.ics"),
        ".ics".to_owned(),
    ] {
        let guess = last.visitor.get(&format!("/calendar/{file}")).await?;
        ensure!(guess.status == 404, "{file}: {}", guess.status);
    }
    let posted = last
        .visitor
        .ask(Method::POST, &last.path, None, &[])
        .await?;
    ensure!(posted.status == 405, "{}", posted.status);
    Ok(())
}

/// The next change of the clocks that the feed reaches, in one of two zones that change at different times of the year: the zone and the
/// first day of the new time.
fn next_change(now: i64) -> anyhow::Result<(Zone, Date)> {
    let zones = ["America/New_York", "America/Santiago"].map(Zone::parse);
    let changes = zones.into_iter().flatten().filter_map(|zone| {
        let noon = |day: Date| zone.instant(day, TimeOfDay::NOON);
        let today = zone.today(now);
        let change = (5..170).find(|days| {
            let (before, after) = (
                noon(plus_days(today, days - 1)),
                noon(plus_days(today, *days)),
            );
            before
                .zip(after)
                .is_some_and(|(before, after)| after - before != 86_400_000)
        });
        let change = change.map(|days| plus_days(today, days));
        change.map(|change| (zone, change))
    });
    let first = changes.min_by_key(|(_, day)| *day);
    first.context("no change of the clocks in half a year")
}

async fn the_clocks_change(office: &Office) -> anyhow::Result<()> {
    let (zone, change) = next_change(now()?)?;
    let saved = office
        .save(|business| business["zone"] = zone.name().into())
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    let nearest = |weekday: Weekday, step: i32| {
        (1..8)
            .map(|days| plus_days(change, step * days))
            .find(|day| day.weekday() == weekday)
            .context("a week has every day")
    };
    let (friday, monday) = (nearest(Weekday::Friday, -1)?, nearest(Weekday::Monday, 1)?);
    let known = Program::of(office).await?.events().await?.len();
    let times = [
        (friday, "10:00"),
        (friday, "16:15"),
        (monday, "09:00"),
        (monday, "10:00"),
        (monday, "16:15"),
    ];
    for at in times {
        let booked = office.book("cleaning", at, "Ann Lee").await?;
        let shown = (&booked["starts"]["day"], &booked["starts"]["time"]);
        ensure!(shown == (&json!(at.0), &json!(at.1)), "{booked}");
    }
    let events = Program::of(office).await?.events().await?;
    let new = events.get(known..).context("events went")?;
    let starts: Vec<i64> = new.iter().map(|event| event.starts_at).collect();
    let shown = wall_clock(zone.name(), &starts).await?;
    let expected: Vec<String> = times
        .iter()
        .map(|(day, time)| format!("{day} {time}"))
        .collect();
    show(format_args!(
        "{} changes its clocks on {change}; the feed has {shown:?}",
        zone.name()
    ));
    ensure!(shown == expected, "{shown:?}");
    ensure!(
        new.iter()
            .all(|event| event.ends_at - event.starts_at == 45 * 60_000),
        "{new:?}"
    );
    let apart = (starts[3] - starts[0]) / 60_000;
    ensure!(
        apart != 72 * 60,
        "{apart} minutes between ten on Friday and ten on Monday"
    );
    show(format_args!(
        "from ten on Friday to ten on Monday: {apart} minutes"
    ));

    every_half_hour_of_the_night(office, &zone, change, apart < 72 * 60).await
}

/// On the day itself, an hour comes never or twice.
async fn every_half_hour_of_the_night(
    office: &Office,
    zone: &Zone,
    day: Date,
    is_short: bool,
) -> anyhow::Result<()> {
    let (mut given, mut instants, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for minutes in (0..24 * 60).step_by(30) {
        let time = format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let form = json!({ "service": "check-up", "day": day, "time": time, "name": "Ann", "outside_hours": true });
        let answer = office.owner.post("/api/bookings", &form).await?;
        if answer.status == 201 {
            let at = answer.json()["starts"]["at"].as_i64();
            instants.push(at.context("no instant")?);
            given.push(format!("{day} {time}"));
        } else {
            ensure!(
                answer.status == 422 && answer.fields() == ["time"],
                "{time}: {}",
                answer.text
            );
            skipped.push(time);
        }
    }
    let shown = wall_clock(zone.name(), &instants).await?;
    ensure!(shown == given, "{shown:?}");
    show(format_args!(
        "half hours that there are not on {day}: {skipped:?}"
    ));
    ensure!(skipped.len() == if is_short { 2 } else { 0 }, "{skipped:?}");
    Ok(())
}

/// It goes from a week ago to half a year ahead, and is never longer than 2000 events.
async fn it_is_bounded(office: Office) -> anyhow::Result<()> {
    let day_ms = 86_400_000;
    let now = now()?;
    let program = Program::of(&office).await?;
    let known = program.events().await?.len();
    let row = |name: &str, from: i64| -> Value {
        json!([
            format!("{name}-{from}"),
            SITE,
            format!("{name}-{from}"),
            from,
            from + 600_000,
            name,
            now,
            now
        ])
    };
    const INSERT: &str = "INSERT INTO bookings (id, site, request_key, service, service_name, price, starts_at, ends_at, name, made_at, \
        made_on, changed_at) VALUES (?, ?, ?, 'cleaning', 'cleaning', 1, ?, ?, ?, ?, '2026-01-05', ?)";
    let edges = vec![
        row("too old", now - 9 * day_ms),
        row("yesterday", now - day_ms),
        row("a week ago", now - 6 * day_ms),
        row("in half a year", now + 178 * day_ms),
        row("too far", now + 183 * day_ms),
    ];
    let office = office.rewritten(&[(INSERT, edges)]).await?;
    let again = Program::of(&office).await?;
    ensure!(again.path == program.path, "another address");
    let events = again.events().await?;
    let has = |name: &str| {
        events
            .iter()
            .filter(|event| event.summary.ends_with(name))
            .count()
    };
    let seen = [
        "too old",
        "yesterday",
        "a week ago",
        "in half a year",
        "too far",
    ]
    .map(has);
    ensure!(seen == [0, 1, 1, 1, 0], "{seen:?}");
    ensure!(
        events.len() == known + 3,
        "{} events, {known} before",
        events.len()
    );

    // Nothing depends on the moment of asking or on the worker that is asked.
    let before = again.ask("").await?;
    let many = (0..2_100).map(|n| row("one of many", now + day_ms / 2 + n * 600_000));
    let office = office
        .rewritten(&[("DELETE FROM bookings WHERE site = ?", vec![json!([SITE])])])
        .await?;
    let none = Program::of(&office)
        .await?
        .ask(before.header("etag"))
        .await?;
    ensure!(
        none.status == 200 && calendar(&none.text).await?.events.is_empty(),
        "{}",
        none.text
    );
    let office = office.rewritten(&[(INSERT, many.collect())]).await?;
    let full = Program::of(&office).await?.ask("").await?;
    let events = calendar(&full.text).await?.events;
    show(format_args!(
        "of 2100 bookings the feed has {}, in {} kB",
        events.len(),
        full.text.len() / 1024
    ));
    ensure!(events.len() == 2_000, "{} events", events.len());
    ensure!(
        events
            .windows(2)
            .all(|pair| pair[0].starts_at < pair[1].starts_at),
        "out of order"
    );
    Ok(())
}
