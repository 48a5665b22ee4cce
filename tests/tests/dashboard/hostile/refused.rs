//! What is refused before anything is kept of it: by its length, by its kind, or because it is no text at all.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::dashboard::{Answer, PASSWORD, Visitor};
use tests::figures::show;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Office;

const MEGABYTE: usize = 1 << 20;

/// What a worker that was asked for nothing but nonsense has: as many rows as it had before.
const ROWS: &str = "SELECT (SELECT count(*) FROM bookings) + (SELECT count(*) FROM users) * 1000 \
    + (SELECT version FROM sites WHERE id = ?1) * 1000000";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_and_leaves_nothing() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let settings = office.get("/api/settings").await?;
    let before = office.number(ROWS).await?;
    bodies_that_are_too_long(&office).await?;
    a_body_that_does_not_say_its_length(&office).await?;
    texts_that_are_none(&office).await?;
    texts_that_are_too_long(&office, &settings).await?;
    addresses(&office).await?;
    headers(&office).await?;
    ends_of_calendars(&office).await?;
    let after = office.number(ROWS).await?;
    ensure!(before == after, "{before} before, {after} after");
    ensure!(
        office.get("/api/settings").await? == settings,
        "the settings are others"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_browser_guesses_what_a_refusal_is() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let extra = office
        .save(|business| business["<script>"] = json!(1))
        .await?;
    let nowhere = office.owner.get("/api/<script>").await?;
    let stranger = Visitor::new(&office.edge)?.get("/api/settings").await?;
    for answer in [extra, nowhere, stranger] {
        ensure!(
            answer.header("content-type") == "application/problem+json",
            "{:?}",
            answer.headers
        );
        ensure!(
            answer.header("x-content-type-options") == "nosniff",
            "{}: {:?}",
            answer.text,
            answer.headers
        );
    }
    Ok(())
}

fn ensure_refused(answer: &Answer, status: u16, code: &str) -> anyhow::Result<()> {
    ensure!(
        (answer.status.as_u16(), answer.code().as_str()) == (status, code),
        "not {status} {code}: {:.300}",
        answer.text
    );
    Ok(())
}

async fn bodies_that_are_too_long(office: &Office) -> anyhow::Result<()> {
    let long = "a".repeat(MEGABYTE);
    let form = json!({ "name": long, "version": 1, "business": { "name": long } });
    for (method, path) in [
        (Method::POST, "/api/bookings"),
        (Method::PUT, "/api/settings"),
        (Method::POST, "/api/users"),
        (Method::POST, "/api/session"),
        (Method::PUT, "/api/password"),
    ] {
        let answer = office
            .owner
            .ask(method.clone(), path, Some(form.to_string()), &[])
            .await?;
        ensure_refused(&answer, 413, "too_large").context(path)?;
        show(format_args!("1 MB to {method} {path}: 413"));
    }
    // A byte more than may be sent, and as many as may.
    for (path, most) in [("/api/bookings", 4_096), ("/api/users", 4_096)] {
        for (length, status) in [(most + 1, 413), (most, 422)] {
            let form = json!({ "name": "" }).to_string();
            let body = format!("{form}{}", " ".repeat(length - form.len()));
            let answer = office
                .owner
                .ask(Method::POST, path, Some(body), &[])
                .await?;
            ensure!(
                answer.status == status,
                "{path}, {length} bytes: {}",
                answer.text
            );
        }
    }
    Ok(())
}

/// Without a length, as much is read as may be sent.
async fn a_body_that_does_not_say_its_length(office: &Office) -> anyhow::Result<()> {
    let host = office.edge.origin.trim_start_matches("http://").to_owned();
    let cookie = office.owner.cookie.clone().unwrap_or_default();
    let head = format!(
        "POST /api/bookings HTTP/1.1\r\nHost: {host}\r\nOrigin: {}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        office.edge.origin
    );
    let (mut reader, mut writer) = TcpStream::connect(&host).await?.into_split();
    let write = async move {
        writer.write_all(head.as_bytes()).await?;
        let chunk = "a".repeat(16_384);
        writer.write_all(b"1\r\n\"\r\n").await?;
        for _ in 0..64 {
            let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
            writer.write_all(chunk.as_bytes()).await?;
        }
        writer.write_all(b"1\r\n\"\r\n0\r\n\r\n").await
    };
    // It may close the connection before it has been given everything.
    let written = tokio::spawn(write);
    let mut answer = Vec::new();
    while reader.read_buf(&mut answer).await.unwrap_or(0) > 0 {}
    let _ = written.await?;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    show("1 MB in chunks: 413");
    Ok(())
}

async fn texts_that_are_none(office: &Office) -> anyhow::Result<()> {
    // JSON can write halves of characters, which no text has.
    for half in ["\\ud800", "\\udc00", "\\ud800\\ud800", "a\\udfffb"] {
        for (method, path, form) in [
            (
                Method::POST,
                "/api/bookings",
                format!("{{\"service\":\"cleaning\",\"name\":\"{half}\"}}"),
            ),
            (
                Method::POST,
                "/api/users",
                format!("{{\"email\":\"a@example.com\",\"name\":\"{half}\"}}"),
            ),
            (
                Method::PUT,
                "/api/settings",
                format!("{{\"version\":1,\"business\":{{\"name\":\"{half}\"}}}}"),
            ),
        ] {
            let answer = office.owner.ask(method, path, Some(form), &[]).await?;
            ensure_refused(&answer, 400, "bad_request")
                .with_context(|| format!("{path} {half}"))?;
        }
    }
    show("half a character: 400");
    // A whole one, in two halves, is a text like any other.
    let form = "{\"name\":\"\\ud83d\\ude00\"}".to_owned();
    let answer = office
        .owner
        .ask(Method::POST, "/api/bookings", Some(form), &[])
        .await?;
    ensure!(
        answer.fields() == ["service", "day", "time"],
        "{}",
        answer.text
    );
    for body in [
        "",
        "{",
        "nothing",
        "{\"name\":\"\u{0}\"}",
        "{\"name\":'x'}",
        "[1]",
        "7",
        "null",
    ] {
        for (method, path) in [
            (Method::POST, "/api/bookings"),
            (Method::POST, "/api/users"),
            (Method::PUT, "/api/settings"),
        ] {
            let answer = office
                .owner
                .ask(method, path, Some(body.to_owned()), &[])
                .await?;
            ensure_refused(&answer, 400, "bad_request")
                .with_context(|| format!("{path} {body:?}"))?;
        }
    }
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let answer = office
        .owner
        .ask(Method::POST, "/api/bookings", Some(deep), &[])
        .await?;
    ensure_refused(&answer, 400, "bad_request").context("a deep document")?;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let answer = office
            .owner
            .ask(
                Method::POST,
                "/api/bookings",
                Some("{}".to_owned()),
                &[("Content-Type", kind)],
            )
            .await?;
        ensure_refused(&answer, 415, "unsupported_media_type").context(kind)?;
    }
    // What is not text where a text is wanted.
    for value in [json!(1), json!(true), json!(["a"]), json!({ "a": 1 })] {
        let form = json!({ "service": value, "day": value, "time": value, "name": value, "phone": value, "note": value });
        let answer = office.owner.post("/api/bookings", &form).await?;
        ensure!(
            answer.status == 422
                && answer.fields() == ["service", "day", "time", "name", "phone", "note"],
            "{}",
            answer.text
        );
        let form = json!({ "email": value, "name": value, "role": value, "password": value });
        let answer = office.owner.post("/api/users", &form).await?;
        ensure!(
            answer.status == 422 && answer.fields() == ["email", "name", "role", "password"],
            "{}",
            answer.text
        );
    }
    Ok(())
}

/// A character more than each field holds.
async fn texts_that_are_too_long(office: &Office, settings: &Value) -> anyhow::Result<()> {
    for (field, pointer, most) in [
        ("business.name", "/name", 80),
        ("business.kind", "/kind", 80),
        ("business.services[0].name", "/services/0/name", 60),
        ("business.agent.name", "/agent/name", 40),
        ("business.agent.greeting", "/agent/greeting", 400),
        ("business.agent.tone", "/agent/tone", 200),
        ("business.agent.notes", "/agent/notes", 4_000),
    ] {
        // Two bytes each: characters are counted.
        for length in [most + 1, 10_000] {
            let mut form =
                json!({ "version": settings["version"], "business": settings["business"] });
            *form["business"].pointer_mut(pointer).context(field)? = json!("é".repeat(length));
            let answer = office.owner.put("/api/settings", &form).await?;
            ensure!(
                answer.status == 422 && answer.fields() == [field],
                "{field}, {length} characters: {:.300}",
                answer.text
            );
            ensure!(
                answer.text.len() < 1_000,
                "a long answer: {}",
                answer.text.len()
            );
        }
        show(format_args!("{} characters in {field}: 422", most + 1));
    }
    for (field, length) in [("name", 81), ("note", 1_001)] {
        let mut form =
            json!({ "service": "cleaning", "day": "2030-01-01", "time": "10:00", "name": "Ann" });
        form[field] = json!("é".repeat(length));
        let answer = office.owner.post("/api/bookings", &form).await?;
        ensure!(
            answer.status == 422 && answer.fields() == [field],
            "{field}: {}",
            answer.text
        );
        show(format_args!(
            "{length} characters in a booking's {field}: 422"
        ));
    }
    let form = json!({ "email": format!("{}@example.com", "a".repeat(250)), "name": "é".repeat(81), "role": "viewer", "password": PASSWORD });
    let answer = office.owner.post("/api/users", &form).await?;
    ensure!(
        answer.status == 422 && answer.fields() == ["email", "name"],
        "{}",
        answer.text
    );
    Ok(())
}

/// Addresses that lead nowhere, and questions that cannot be asked.
async fn addresses(office: &Office) -> anyhow::Result<()> {
    for path in [
        "/api/bookings/'%20OR%201=1--/cancel",
        "/api/bookings/%3Cscript%3E/restore",
        "/api/bookings/..%2F..%2Fsettings/cancel",
        "/api/messages/%00/done",
        "/api/messages/%0d%0aSet-Cookie:%20a=b/done",
    ] {
        let answer = office.owner.post(path, &json!({})).await?;
        ensure_refused(&answer, 404, "not_found").context(path)?;
    }
    for path in [
        "/api/calls/';DROP%20TABLE%20calls;--",
        "/api/calls/%F0%9F%98%80",
        "/calendar/'%20OR%201=1--aaaaaaaaaaaaaaaaaaaaaaaa.ics",
        "/calendar/..%2Fapi%2Fsettings.ics",
    ] {
        let answer = office.owner.get(path).await?;
        ensure_refused(&answer, 404, "not_found").context(path)?;
    }
    let long = "9".repeat(8_000);
    let sql = "1_'%20OR%201=1--";
    for (path, fields) in [
        (
            format!(
                "/api/calls?cursor={sql}&limit={sql}&door={sql}&outcome={sql}&from={sql}&to={sql}&number={sql}"
            ),
            vec!["limit", "cursor", "from", "to", "door", "number", "outcome"],
        ),
        (
            format!("/api/calls?number={long}&outcome={long}&cursor={long}&limit={long}"),
            vec!["limit", "cursor", "number", "outcome"],
        ),
        (format!("/api/calls.csv?door={sql}"), vec!["door"]),
        (
            format!("/api/bookings?cursor={sql}&limit=0&from=x&to=%00"),
            vec!["from", "to", "cursor", "limit"],
        ),
        (
            format!("/api/messages?cursor={sql}&state={sql}&limit=201"),
            vec!["state", "cursor", "limit"],
        ),
        (
            format!("/api/metrics?from={sql}&to={sql}&step={sql}"),
            vec!["step", "from", "to"],
        ),
        (
            "/api/metrics?from=2026-01-02&to=2026-01-01".to_owned(),
            vec!["to"],
        ),
        (
            "/api/metrics?from=2024-01-01&to=2026-01-01".to_owned(),
            vec!["to"],
        ),
        (
            "/api/bookings?from=-009999-01-01&to=9999-12-31".to_owned(),
            vec!["from"],
        ),
        (format!("/api/settings?site={sql}"), vec!["site"]),
    ] {
        let answer = office.owner.get(&path).await?;
        ensure!(
            answer.status == 422 && answer.fields() == fields,
            "{path:.100}: {:.300}",
            answer.text
        );
        show(format_args!("{path:.80}: 422 {fields:?}"));
    }
    for path in [
        "/api/callers/%0d%0aSet-Cookie:%20a=b",
        "/api/callers/'%20OR%201=1--",
        "/api/callers/%00",
    ] {
        let answer = office.owner.delete(path).await?;
        ensure!(
            answer.status == 422 && answer.fields() == ["number"] && answer.cookie().is_none(),
            "{path}: {}",
            answer.text
        );
    }
    let answer = office.owner.get("/api/settings?site=nobody").await?;
    ensure_refused(&answer, 404, "not_found")
}

async fn headers(office: &Office) -> anyhow::Result<()> {
    let form =
        json!({ "service": "cleaning", "day": "2030-01-01", "time": "10:00", "name": "Ann" });
    let long = "a".repeat(65);
    for key in ["", "a b", "é", "a\tb", long.as_str()] {
        let answer = office
            .owner
            .ask(
                Method::POST,
                "/api/bookings",
                Some(form.to_string()),
                &[("Idempotency-Key", key)],
            )
            .await?;
        ensure_refused(&answer, 400, "bad_request").with_context(|| format!("key {key:?}"))?;
    }
    Ok(())
}

/// Days and numbers as far away as there are any: an answer without rows or a refusal, and nothing that breaks.
async fn ends_of_calendars(office: &Office) -> anyhow::Result<()> {
    let (first, last) = ("0001-01-01", "9999-12-31");
    let (least, most) = (i64::MIN, i64::MAX);
    for path in [
        format!("/api/bookings?from={last}&to={last}"),
        format!("/api/bookings?from={first}"),
        format!("/api/bookings?from={last}"),
        "/api/bookings?from=0000-01-01&to=0000-01-01".to_owned(),
        format!("/api/bookings?cursor={most}_a"),
        format!("/api/bookings?cursor={least}_a"),
        format!("/api/calls?from={first}&to={last}"),
        format!("/api/calls?from={last}"),
        format!("/api/calls?to={first}&cursor={most}_a"),
        format!("/api/calls?cursor={least}_a&door=phone&outcome=booked"),
        format!("/api/calls.csv?cursor={most}_a&from={first}&to={last}"),
        format!("/api/messages?cursor={most}_a"),
        format!("/api/messages?cursor={least}_a&state=waiting"),
        format!("/api/metrics?from={first}&step=week"),
        format!("/api/metrics?to={first}"),
        format!("/api/metrics?from=9999-01-01&to={last}"),
        format!("/api/metrics?from=9999-01-01&to={last}&step=week"),
    ] {
        let answer = office.owner.get(&path).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.text);
    }
    for (day, time, field) in [
        (first, "10:00", "day"),
        (last, "10:00", "day"),
        ("-000001-01-01", "10:00", "day"),
        ("2031-02-29", "10:00", "day"),
        ("2031-01-01", "24:01", "time"),
        ("2031-01-01", "-1:00", "time"),
    ] {
        let form = json!({ "service": "cleaning", "day": day, "time": time, "name": "Ann", "outside_hours": true });
        let answer = office.owner.post("/api/bookings", &form).await?;
        ensure!(
            answer.status == 422 && answer.fields() == [field],
            "{day} {time}: {}",
            answer.text
        );
    }
    Ok(())
}
