//! Many who want the same at the same moment.

use std::collections::BTreeMap;

use anyhow::ensure;
use front_desk::Weekday;
use futures_util::future::{try_join, try_join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tests::dashboard::Answer;
use tests::figures::show;

use crate::{Office, ahead, bookings};

const FIFTY: usize = 50;

/// How often each status came, with the code of its problem.
fn tally(answers: &[Answer]) -> BTreeMap<(u16, String), usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let kind = (answer.status.as_u16(), answer.code());
        *tally.entry(kind).or_default() += 1;
    }
    tally
}

/// One got it, and the others were told that it is taken.
fn ensure_one_won(answers: &[Answer]) -> anyhow::Result<()> {
    let tally = tally(answers);
    let one = BTreeMap::from([
        ((201, String::new()), 1),
        ((409, "taken".to_owned()), answers.len() - 1),
    ]);
    ensure!(tally == one, "{tally:?}");
    Ok(())
}

const STANDING: &str = "SELECT count(*) FROM bookings WHERE site = ?1 AND status = 'booked'";
const OVERLAPS: &str = "SELECT count(*) FROM bookings a JOIN bookings b ON a.site = b.site AND a.id < b.id \
    AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at WHERE a.site = ?1 AND a.status = 'booked' AND b.status = 'booked'";
const MADE: &str = "SELECT count(*) FROM audit WHERE action = 'booking.add' AND ?1 = ?1";

#[tokio::test(flavor = "multi_thread")]
async fn invariant_18_a_time_is_given_once_however_many_ask_for_it() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    a_new_worker_begins_with_one_business(&office).await?;
    fifty_ask_for_one_time(&office).await?;
    fifty_send_one_request(&office).await?;
    services_of_different_lengths_do_not_overlap(&office).await?;
    a_cancelled_time_is_taken_back_or_given_away(&office).await
}

/// Nobody has called or looked before: all who look first see the same.
async fn a_new_worker_begins_with_one_business(office: &Office) -> anyhow::Result<()> {
    let looks = (0..20).map(|_| office.get("/api/settings"));
    for settings in try_join_all(looks).await? {
        let seen = (&settings["version"], &settings["site"]["id"]);
        ensure!(seen == (&json!(1), &json!("demo-dental")), "{settings}");
    }
    let sites = office.get("/api/sites").await?;
    let one = json!([{ "id": "demo-dental", "name": "Willow Lane Dental", "demo": false }]);
    ensure!(sites["sites"] == one, "{sites}");
    Ok(())
}

async fn fifty_ask_for_one_time(office: &Office) -> anyhow::Result<()> {
    let at = (ahead(Weekday::Wednesday)?, "10:00");
    let names: Vec<String> = (0..FIFTY).map(|n| format!("Guest {n}")).collect();
    let asked = names
        .iter()
        .map(|name| office.ask_for("cleaning", at, name));
    let answers = try_join_all(asked).await?;
    show(format_args!(
        "one time, {FIFTY} at once: {:?}",
        tally(&answers)
    ));
    ensure_one_won(&answers)?;

    let won = answers.iter().find(|answer| answer.status == 201);
    let won = won.map(Answer::json).unwrap_or_default();
    let rows = office
        .rows("SELECT id, name FROM bookings WHERE site = ?1")
        .await?;
    ensure!(
        rows == [json!({ "id": won["id"], "name": won["name"] })],
        "{rows:?}, but {won}"
    );
    let listed = bookings(
        &office
            .get(&format!("/api/bookings?from={0}&to={0}", at.0))
            .await?,
    );
    ensure!(listed == [won.clone()], "{listed:?}");
    let events = office.feed().await?.events;
    ensure!(
        events.len() == 1 && events[0].starts_at == won["starts"]["at"],
        "{events:?}"
    );
    ensure_counted(office, 1, 9_000).await
}

/// The figures of today have so many bookings of the staff's, and the audit as many lines.
async fn ensure_counted(office: &Office, count: i64, revenue: i64) -> anyhow::Result<()> {
    let current = office.get("/api/metrics").await?["current"].clone();
    let counted = (
        &current["staff_bookings"],
        &current["staff_revenue"]["minor"],
    );
    ensure!(counted == (&json!(count), &json!(revenue)), "{current}");
    let audited = office.number(MADE).await?;
    ensure!(audited == count, "{audited} in the audit");
    Ok(())
}

/// A page whose connection is bad sends the same again and again.
async fn fifty_send_one_request(office: &Office) -> anyhow::Result<()> {
    let day = ahead(Weekday::Wednesday)?;
    let form = |time: &str| {
        json!({ "service": "check-up", "day": day, "time": time, "name": "Ann Lee" }).to_string()
    };
    let ask = |form: String| {
        let key = [("Idempotency-Key", "0b5e7a52-5e1c-4f0e-9d5e-7b1f6f3c2a11")];
        async move {
            let path = "/api/bookings";
            office.owner.ask(Method::POST, path, Some(form), &key).await
        }
    };
    let answers = try_join_all((0..FIFTY).map(|_| ask(form("11:00")))).await?;
    let made: Vec<Value> = answers.iter().map(Answer::json).collect();
    show(format_args!(
        "one request, {FIFTY} times: {:?}",
        tally(&answers)
    ));
    ensure!(
        answers.iter().all(|answer| answer.status == 201),
        "{:?}",
        tally(&answers)
    );
    ensure!(made.iter().all(|one| *one == made[0]), "{made:?}");
    let rows = office
        .number("SELECT count(*) FROM bookings WHERE site = ?1 AND name = 'Ann Lee'")
        .await?;
    ensure!(rows == 1, "{rows} rows");
    let other = ask(form("12:00")).await?;
    ensure!(
        (other.status.as_u16(), other.code().as_str()) == (409, "key_used"),
        "{}",
        other.text
    );
    ensure_counted(office, 2, 15_000).await
}

/// Minutes of a working day, at many of which something begins.
async fn services_of_different_lengths_do_not_overlap(office: &Office) -> anyhow::Result<()> {
    let day = ahead(Weekday::Thursday)?;
    let services = [("check-up", 30), ("cleaning", 45), ("whitening", 60)];
    // Each begins within the one before it.
    let wanted: Vec<(&str, i64, i64)> = (0..FIFTY as i64)
        .zip(services.iter().cycle())
        .map(|(n, (service, minutes))| (*service, 540 + 8 * n, *minutes))
        .collect();
    let ask = |(service, from, _): &(&'static str, i64, i64)| {
        let (service, time) = (*service, format!("{:02}:{:02}", from / 60, from % 60));
        async move { office.ask_for(service, (day, &time), "Guest").await }
    };
    let answers = try_join_all(wanted.iter().map(ask)).await?;
    let mut given = Vec::new();
    let mut refused = Vec::new();
    for (answer, (_, from, minutes)) in answers.iter().zip(&wanted) {
        match (answer.status.as_u16(), answer.code().as_str()) {
            (201, "") => given.push((*from, from + minutes)),
            (409, "taken") => refused.push((*from, from + minutes)),
            _ => anyhow::bail!("{}", answer.text),
        }
    }
    show(format_args!(
        "times that overlap, {FIFTY} at once: {} given, {} refused",
        given.len(),
        refused.len()
    ));
    let overlap = |one: &(i64, i64), other: &(i64, i64)| one.0 < other.1 && other.0 < one.1;
    for span in &refused {
        ensure!(
            given.iter().any(|other| overlap(span, other)),
            "{span:?} was refused, and nobody has it: {given:?}"
        );
    }
    ensure!(
        office.number(OVERLAPS).await? == 0,
        "some overlap: {given:?}"
    );
    let standing = office.number(STANDING).await?;
    ensure!(standing == given.len() as i64 + 2, "{standing} stand");
    Ok(())
}

/// So many ask for a change that needs no form.
async fn many(office: &Office, count: usize, path: &str) -> anyhow::Result<Vec<Answer>> {
    let form = json!({});
    try_join_all((0..count).map(|_| office.owner.post(path, &form))).await
}

/// A cancellation is taken back while others ask for the time: either it stands again, or one of them has it.
async fn a_cancelled_time_is_taken_back_or_given_away(office: &Office) -> anyhow::Result<()> {
    let at = (ahead(Weekday::Friday)?, "10:00");
    let first = office.book("cleaning", at, "Ann Lee").await?;
    let id = first["id"].as_str().unwrap_or_default();
    let before = office.number(STANDING).await?;
    for round in 0..4 {
        let (cancel, restore) = (
            format!("/api/bookings/{id}/cancel"),
            format!("/api/bookings/{id}/restore"),
        );
        for answer in many(office, 5, &cancel).await? {
            ensure!(answer.json()["status"] == "cancelled", "{}", answer.text);
        }
        ensure!(
            office.number(STANDING).await? == before - 1,
            "not cancelled"
        );
        let asked = try_join_all((0..10).map(|_| office.ask_for("cleaning", at, "Ben Orr")));
        let (asked, taken_back) = try_join(asked, many(office, 10, &restore)).await?;
        let (given, back) = (tally(&asked), tally(&taken_back));
        show(format_args!(
            "round {round}: asked {given:?}, taken back {back:?}"
        ));
        ensure!(
            office.number(STANDING).await? == before,
            "{given:?} {back:?}"
        );
        ensure!(office.number(OVERLAPS).await? == 0, "some overlap");
        let refused = (409, "taken".to_owned());
        if back.keys().all(|(status, _)| *status == 200) {
            ensure!(given == BTreeMap::from([(refused, 10)]), "{given:?}");
            continue;
        }
        ensure_one_won(&asked)?;
        ensure!(back == BTreeMap::from([(refused, 10)]), "{back:?}");
        let won = asked.iter().find(|answer| answer.status == 201);
        let won = won.map(Answer::json).unwrap_or_default();
        let path = format!(
            "/api/bookings/{}/cancel",
            won["id"].as_str().unwrap_or_default()
        );
        let gone = office.owner.post(&path, &json!({})).await?;
        ensure!(gone.json()["status"] == "cancelled", "{}", gone.text);
        let again = office.owner.post(&restore, &json!({})).await?;
        ensure!(again.json()["status"] == "booked", "{}", again.text);
    }
    Ok(())
}
