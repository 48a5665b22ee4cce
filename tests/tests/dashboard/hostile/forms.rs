//! What owners and staff write: appointments, settings, accounts.

use anyhow::ensure;
use front_desk::zone::plus_days;
use front_desk::{Date, Weekday};
use serde_json::{Value, json};
use tests::dashboard::{Answer, PASSWORD};
use tests::figures::show;

use super::cases::{CASES, Case, is_hidden};
use crate::{Office, ahead, bookings};

/// The settings that are texts, each with whether it may be empty.
const TEXTS: [(&str, bool); 8] = [
    ("/name", false),
    ("/kind", true),
    ("/services/0/name", false),
    ("/hours/exceptions/0/reason", true),
    ("/agent/name", false),
    ("/agent/greeting", false),
    ("/agent/tone", true),
    ("/agent/notes", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_at_the_dashboard_comes_back_as_text() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let wednesday = ahead(Weekday::Wednesday)?;
    let holiday = json!([{ "date": plus_days(wednesday, 4), "open": [], "reason": "" }]);
    let saved = office
        .save(|business| business["hours"]["exceptions"] = holiday)
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    for (n, case) in (0..).zip(CASES) {
        // Eight check-ups on each working day.
        let at = (
            plus_days(wednesday, n / 8 * 7),
            format!("{:02}:00", 9 + n % 8),
        );
        let settings = settings(&office, case).await?;
        let booking = booking(&office, case, (at.0, &at.1)).await?;
        show(format_args!(
            "{}: settings {settings}; booking {booking}",
            case.about
        ));
    }
    what_was_booked_is_listed(&office, wednesday).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_is_called_by_a_text_or_not_at_all() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    for (n, case) in CASES.iter().enumerate() {
        let account = account(&office, n, case).await?;
        show(format_args!("{}: account {account}", case.about));
    }
    Ok(())
}

/// It is JSON that no browser takes for anything else, and nothing of it got into the headers.
fn ensure_plain(answer: &Answer) -> anyhow::Result<()> {
    let kind = answer.header("content-type");
    ensure!(
        matches!(kind, "application/json" | "application/problem+json"),
        "{kind:?}: {}",
        answer.text
    );
    ensure!(answer.cookie().is_none(), "{:?}", answer.headers);
    if answer.status.is_success() {
        ensure!(
            answer.header("x-content-type-options") == "nosniff",
            "{:?}",
            answer.headers
        );
    }
    Ok(())
}

/// Puts a text wherever the settings have one, and what is refused then is left as it was.
async fn settings(office: &Office, case: &Case) -> anyhow::Result<String> {
    let refused: Vec<&str> = TEXTS
        .iter()
        .filter(|(field, may_be_empty)| match case.line {
            // A list of services is spoken, and written with these between them.
            Some(line) => *field == "/services/0/name" && line.contains([',', ';', ':', '"']),
            None => !may_be_empty,
        })
        .map(|(field, _)| *field)
        .collect();
    let put = |business: &mut Value, but: &[&str]| {
        for (field, _) in TEXTS.iter().filter(|(field, _)| !but.contains(field)) {
            if let Some(text) = business.pointer_mut(field) {
                *text = case.json();
            }
        }
    };
    if !refused.is_empty() {
        let answer = office.save(|business| put(business, &[])).await?;
        ensure_plain(&answer)?;
        let mut told = answer.fields();
        let mut expected: Vec<String> = refused.iter().map(|field| named(field)).collect();
        told.sort();
        expected.sort();
        ensure!(
            answer.status == 422 && told == expected,
            "{}: {}",
            case.about,
            answer.text
        );
    }
    let answer = office.save(|business| put(business, &refused)).await?;
    ensure!(answer.status == 200, "{}: {}", case.about, answer.text);
    ensure_plain(&answer)?;
    let shown = office.owner.get("/api/settings").await?;
    ensure_plain(&shown)?;
    for document in [answer.json(), shown.json()] {
        for (field, _) in TEXTS.iter().filter(|(field, _)| !refused.contains(field)) {
            let kept = match *field {
                "/agent/notes" => case.lines(),
                _ => case.line.unwrap_or_default(),
            };
            let text = &document["business"].pointer(field);
            ensure!(
                *text == Some(&json!(kept)),
                "{} {field}: {text:?}",
                case.about
            );
        }
    }
    if let Some(line) = case.line {
        let sites = office.get("/api/sites").await?;
        ensure!(sites["sites"][0]["name"] == line, "{}: {sites}", case.about);
    }
    Ok(match refused.len() {
        0 => "kept".to_owned(),
        some => format!("{some} of 8 refused"),
    })
}

/// A setting as a problem document names it.
fn named(pointer: &str) -> String {
    let mut name = "business".to_owned();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(index) => name.push_str(&format!("[{index}]")),
            Err(_) => name.push_str(&format!(".{part}")),
        }
    }
    name
}

async fn booking(office: &Office, case: &Case, at: (Date, &str)) -> anyhow::Result<&'static str> {
    let text = case.json();
    // All but the service is read before anything is looked up.
    let form = json!({ "service": "check-up", "day": text, "time": text, "name": "Ann", "phone": text, "outside_hours": text });
    let answer = office.owner.post("/api/bookings", &form).await?;
    ensure_plain(&answer)?;
    let is_empty = case.text.trim().is_empty();
    let mut fields = vec!["outside_hours", "day", "time"];
    // A form's empty field is one that was left out.
    fields.extend((!is_empty).then_some("phone"));
    ensure!(
        answer.status == 422 && answer.fields() == fields,
        "{}: {}",
        case.about,
        answer.text
    );
    let form = json!({ "service": text, "day": at.0, "time": at.1, "name": "Ann" });
    let answer = office.owner.post("/api/bookings", &form).await?;
    ensure!(
        answer.fields() == ["service"],
        "{}: {}",
        case.about,
        answer.text
    );

    let form =
        json!({ "service": "check-up", "day": at.0, "time": at.1, "name": text, "note": text });
    let answer = office.owner.post("/api/bookings", &form).await?;
    ensure_plain(&answer)?;
    let Some(line) = case.line else {
        ensure!(
            answer.status == 422 && answer.fields() == ["name"],
            "{}: {}",
            case.about,
            answer.text
        );
        let form = json!({ "service": "check-up", "day": at.0, "time": at.1, "name": "Ann", "note": text });
        let answer = office.owner.post("/api/bookings", &form).await?;
        ensure!(answer.status == 201, "{}: {}", case.about, answer.text);
        ensure!(
            answer.json()["note"] == "",
            "{}: {}",
            case.about,
            answer.text
        );
        return Ok("refused, and without a note kept");
    };
    let booked = answer.json();
    ensure!(answer.status == 201, "{}: {}", case.about, answer.text);
    ensure!(
        booked["name"] == line && booked["note"] == line,
        "{}: {booked}",
        case.about
    );
    // The last one of the feed, among properties that are ours.
    let feed = office.feed().await?;
    ensure!(feed.name == line, "{}: {:?}", case.about, feed.name);
    ensure!(
        feed.others.is_empty() && feed.properties == ROOT,
        "{}: {feed:?}",
        case.about
    );
    let service = booked["service_name"].as_str().unwrap_or_default();
    let summary = format!("{service}: {line}");
    let last = feed.events.last();
    ensure!(
        last.is_some_and(|event| event.summary == summary),
        "{}: {last:?}",
        case.about
    );
    Ok("kept")
}

const ROOT: [&str; 7] = [
    "version",
    "prodid",
    "calscale",
    "x-wr-calname",
    "x-wr-timezone",
    "refresh-interval",
    "x-published-ttl",
];

/// The properties of an event, and no others.
pub(super) const EVENT: [&str; 11] = [
    "uid",
    "dtstamp",
    "last-modified",
    "created",
    "sequence",
    "dtstart",
    "dtend",
    "summary",
    "description",
    "status",
    "transp",
];

async fn account(office: &Office, n: usize, case: &Case) -> anyhow::Result<&'static str> {
    let (text, email) = (case.json(), format!("user{n}@example.com"));
    let form = json!({ "email": text, "name": "Ann", "role": text, "password": PASSWORD });
    let answer = office.owner.post("/api/users", &form).await?;
    ensure_plain(&answer)?;
    ensure!(
        answer.status == 422 && answer.fields() == ["email", "role"],
        "{}: {}",
        case.about,
        answer.text
    );
    let form = json!({ "email": email, "name": text, "role": "viewer", "password": PASSWORD });
    let answer = office.owner.post("/api/users", &form).await?;
    ensure_plain(&answer)?;
    let users = office.get("/api/users").await?["users"].clone();
    let kept = users
        .as_array()
        .and_then(|users| users.iter().find(|user| user["email"] == email));
    if answer.status == 422 {
        ensure!(
            answer.fields() == ["name"] && kept.is_none(),
            "{}: {}",
            case.about,
            answer.text
        );
        return Ok("refused");
    }
    ensure!(answer.status == 201, "{}: {}", case.about, answer.text);
    let name = kept
        .and_then(|user| user["name"].as_str())
        .unwrap_or_default();
    ensure!(
        Some(name) == case.line && !name.contains(is_hidden),
        "{}: {name:?}",
        case.about
    );
    Ok("kept")
}

/// In the end all that was kept is in the list and in the feed, once.
async fn what_was_booked_is_listed(office: &Office, first: Date) -> anyhow::Result<()> {
    let path = format!("/api/bookings?from={first}&to={}", plus_days(first, 60));
    let listed = bookings(&office.get(&path).await?);
    let names: Vec<&str> = listed
        .iter()
        .filter_map(|booking| booking["name"].as_str())
        .collect();
    let expected: Vec<&str> = CASES
        .iter()
        .map(|case| case.line.unwrap_or("Ann"))
        .collect();
    ensure!(names == expected, "{names:?}");

    let answer = office.owner.get(&office.feed_path().await?).await?;
    ensure!(
        answer.header("content-type") == "text/calendar; charset=utf-8"
            && answer.header("x-content-type-options") == "nosniff",
        "{:?}",
        answer.headers
    );
    for line in answer.text.split("\r\n") {
        ensure!(
            line.len() <= 75 && !line.contains(char::is_control),
            "a line of the feed: {line:?}"
        );
    }
    let events = tests::calendar::events(&answer.text).await?;
    let summaries: Vec<(&str, i64)> = events
        .iter()
        .map(|event| (event.summary.as_str(), event.starts_at))
        .collect();
    let expected: Vec<(String, i64)> = listed
        .iter()
        .map(|booking| {
            let text = |name: &str| booking[name].as_str().unwrap_or_default().to_owned();
            let summary = format!("{}: {}", text("service_name"), text("name"));
            (
                summary,
                booking["starts"]["at"].as_i64().unwrap_or_default(),
            )
        })
        .collect();
    ensure!(
        summaries.len() == expected.len()
            && summaries
                .iter()
                .zip(&expected)
                .all(|(event, booking)| (event.0, event.1) == (booking.0.as_str(), booking.1)),
        "{summaries:?}"
    );
    for event in &events {
        ensure!(
            event.properties == EVENT && event.others.is_empty(),
            "{event:?}"
        );
    }
    show(format_args!(
        "the feed has {} events, each with {} properties",
        events.len(),
        EVENT.len()
    ));
    Ok(())
}
