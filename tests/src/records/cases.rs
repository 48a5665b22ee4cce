//! What is asked of the worker: every address of the dashboard's API, with small pages and the largest, and where much or little fits.

use anyhow::{Context, ensure};
use edge_worker::routes::addresses;
use front_desk::business::Business;
use front_desk::zone::plus_days;
use reqwest::Method;
use serde_json::{Value, json};

use super::fill::{
    CALLS, LONG_CALL_TURNS, REGULAR, WEEKLY, booking_id, call_id, caller, message_id, started_at,
};

/// How often each thing is asked for.
pub(super) const TIMES: u32 = 30;

/// One thing that is asked for, again and again.
pub(super) struct Case {
    /// The address as the worker's table of routes has it.
    pub(super) address: &'static str,
    /// Beyond the address.
    pub(super) with: String,
    /// Asked for in turn; a change is another each time.
    pub(super) requests: Vec<Request>,
    /// Rows that it may read: by its page, and not by how much there is.
    pub(super) most_rows: u64,
}

/// A request.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// What any answer reads: the session and whose it is, the business with its services and hours, and the first row of the next page.
const ALWAYS: u64 = 16;

/// The same with a few rows that a change looks at.
const CHANGE: u64 = ALWAYS + 8;

/// What is read to delete a call: by its number, booking and message, itself with its turns and tools, and each a few times.
const ERASED_CALL: u64 = 80;

/// The longest table and feed: ten pages, each with the row before it and the one after it.
const EXPORTED: u64 = 10 * 202;

/// Addresses that are not measured here, and why.
const ELSEWHERE: [(&str, &str); 10] = [
    ("DELETE /api/session", "ends the session that asks"),
    ("DELETE /api/sessions", "ends the session that asks"),
    ("GET /api/live", "a socket; reads what any answer does"),
    ("GET /api/setup", "looks for one row"),
    ("OPTIONS /api/tickets", "reads nothing"),
    ("POST /api/session", "hashes a password"),
    ("POST /api/setup", "hashes a password"),
    ("POST /api/tickets", "is a call's, not the dashboard's"),
    ("POST /api/users", "hashes a password"),
    ("PUT /api/password", "hashes a password"),
];

/// Fails if an address has no case: a new one cannot be forgotten.
pub(super) fn check(cases: &[Case]) -> anyhow::Result<()> {
    for address in addresses() {
        let name = format!("{} {}", address.method, address.path);
        let has_records = ["/api/", "/calendar/"]
            .iter()
            .any(|start| address.path.starts_with(start));
        let is_known = cases.iter().any(|case| case.address == name)
            || ELSEWHERE.iter().any(|(known, _)| *known == name);
        ensure!(
            is_known || !has_records,
            "{name} is not measured: give it a case"
        );
    }
    Ok(())
}

/// All of them, reads first. `settings` are as the API gives them, `feed` is the calendar's path.
pub(super) fn all(now: i64, settings: &Value, feed: &str) -> anyhow::Result<Vec<Case>> {
    let mut cases = looks(now, feed);
    cases.extend(changes(now, settings)?);
    Ok(cases)
}

fn looks(now: i64, feed: &str) -> Vec<Case> {
    let zone = Business::demo().zone;
    let today = zone.today(now);
    let day = |ahead: i32| plus_days(today, ahead).to_string();
    let range = |from: i32, to: i32| format!("from={}&to={}", day(from), day(to));
    let year = range(-365, 0);
    let middle = format!(
        "cursor={}_{}",
        started_at(CALLS / 2, now),
        call_id(CALLS / 2)
    );
    let regular = format!("number={}", REGULAR.replace('+', "%2B"));
    let occasional = format!("number={}", caller(CALLS / 2 + 12).replace('+', "%2B"));

    let mut cases = vec![
        look("GET /api/session", "", ALWAYS),
        look("GET /api/sites", "", ALWAYS),
        look("GET /api/settings", "", ALWAYS),
        look("GET /api/safe-mode", "", ALWAYS),
        look("GET /api/calendar", "", ALWAYS),
        look("GET /api/users", "", ALWAYS + 200),
    ];
    for (with, days) in [
        (range(-6, 0), 7),
        (format!("{}&step=week", range(-6, 0)), 7),
        (year.clone(), 366),
        (format!("{year}&step=week"), 366),
    ] {
        // The range and the one before it.
        cases.push(look("GET /api/metrics", &with, ALWAYS + 2 * days));
    }
    for with in [
        String::new(),
        middle.clone(),
        "door=browser".to_owned(),
        "outcome=agent_ended".to_owned(),
        "outcome=failed".to_owned(),
        "outcome=lost".to_owned(),
        "outcome=booked".to_owned(),
        format!("door=phone&outcome=failed&{middle}"),
        "door=browser&outcome=booked".to_owned(),
        range(-200, -200),
        format!("{year}&outcome=caller_hung_up&{middle}"),
        regular.clone(),
        format!("{regular}&outcome=failed"),
        format!("{regular}&outcome=booked"),
        format!("{regular}&outcome=lost&door=phone"),
        format!("{regular}&door=browser"),
        occasional.clone(),
        format!("{occasional}&outcome=failed"),
    ] {
        for limit in [1, 50, 200] {
            // A small page for each kind of filter, the usual and the largest for the whole list.
            if limit == 200 || with.is_empty() {
                let with = join(&with, &format!("limit={limit}"));
                cases.push(look("GET /api/calls", &with, ALWAYS + limit));
            }
        }
    }
    for with in ["", &middle, "outcome=failed", &regular] {
        cases.push(look("GET /api/calls.csv", with, ALWAYS + EXPORTED));
    }
    let detail = |number: u32, what: &str, rows: u64| Case {
        with: what.to_owned(),
        ..at(
            "GET /api/calls/{id}",
            format!("/api/calls/{}", call_id(number)),
            ALWAYS + rows,
        )
    };
    cases.push(detail(CALLS / 2 + 1, "one that booked", 20));
    cases.push(detail(
        CALLS - 1,
        "the longest",
        u64::from(LONG_CALL_TURNS) + 120,
    ));
    for (with, limit) in [
        (String::new(), 200),
        (format!("{}&limit=1", range(-300, 0)), 1),
        (format!("{}&limit=200", range(-185, 180)), 200),
        (range(170, 178), 200),
    ] {
        cases.push(look("GET /api/bookings", &with, ALWAYS + limit));
    }
    let deep = format!(
        "cursor={}_{}",
        started_at(CALLS / 2, now),
        message_id(CALLS / 2)
    );
    for with in [
        "",
        "state=waiting&limit=200",
        "state=done&limit=200",
        &format!("limit=200&{deep}"),
    ] {
        cases.push(look("GET /api/messages", with, ALWAYS + 200));
    }
    cases.push(at(
        "GET /calendar/{file}",
        feed.to_owned(),
        ALWAYS + EXPORTED,
    ));
    cases
}

fn changes(now: i64, settings: &Value) -> anyhow::Result<Vec<Case>> {
    let today = Business::demo().zone.today(now);
    let booking = |n: u32| {
        // Beyond all that is booked.
        let day = plus_days(today, 190 + n as i32).to_string();
        let body = json!({ "service": "cleaning", "day": day, "time": "10:00", "name": "Ada Lovelace", "outside_hours": true });
        (Method::POST, "/api/bookings".to_owned(), Some(body))
    };
    // Bookings to come that stand.
    let some = |n: u32| booking_id(CALLS / 5 * 4 + 6 + 80 * n);
    let message = |n: u32| message_id(CALLS - 3 - 10 * n);
    let version = settings["version"].as_i64().context("no version")?;
    let save = |n: u32| {
        let body = json!({ "version": version + i64::from(n), "business": settings["business"], "retention_days": 365 });
        (Method::PUT, "/api/settings".to_owned(), Some(body))
    };
    let post = |path: String| (Method::POST, path, None);
    let delete = |path: String| (Method::DELETE, path, None);
    let erase = |number: &str| delete(format!("/api/callers/{}", number.replace('+', "%2B")));
    Ok(vec![
        change("POST /api/bookings", "", CHANGE, TIMES, booking),
        change("POST /api/bookings/{id}/cancel", "", CHANGE, TIMES, |n| {
            post(format!("/api/bookings/{}/cancel", some(n)))
        }),
        change("POST /api/bookings/{id}/restore", "", CHANGE, TIMES, |n| {
            post(format!("/api/bookings/{}/restore", some(n)))
        }),
        change("POST /api/messages/{id}/done", "", CHANGE, TIMES, |n| {
            post(format!("/api/messages/{}/done", message(n)))
        }),
        change("POST /api/messages/{id}/undone", "", CHANGE, TIMES, |n| {
            post(format!("/api/messages/{}/undone", message(n)))
        }),
        change("PUT /api/settings", "", CHANGE + 24, TIMES, save),
        change("PUT /api/safe-mode", "", CHANGE, TIMES, |n| {
            let body = json!({ "on": n.is_multiple_of(2) });
            (Method::PUT, "/api/safe-mode".to_owned(), Some(body))
        }),
        change("POST /api/calendar/renew", "", CHANGE, TIMES, |_| {
            post("/api/calendar/renew".to_owned())
        }),
        change("DELETE /api/users/{id}", "", CHANGE, TIMES, |n| {
            delete(format!("/api/users/u{n:031x}"))
        }),
        change("POST /api/demo", "", 20_000, 9, |_| {
            post("/api/demo".to_owned())
        }),
        change("DELETE /api/demo", "", 20_000, 1, |_| {
            delete("/api/demo".to_owned())
        }),
        // What is deleted is read: a caller's calls with their turns and tools, messages and bookings.
        change(
            "DELETE /api/callers/{number}",
            "with ten calls",
            ALWAYS + 10 * ERASED_CALL,
            TIMES,
            |n| erase(&caller(CALLS / 2 + 12 + 5 * n)),
        ),
        change(
            "DELETE /api/callers/{number}",
            "with two hundred calls",
            ALWAYS + 200 * ERASED_CALL,
            1,
            |_| erase(WEEKLY),
        ),
    ])
}

/// Something to look at, at the address itself.
fn look(address: &'static str, with: &str, most_rows: u64) -> Case {
    let path = address.trim_start_matches("GET ");
    let path = if with.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{with}")
    };
    // A place in the middle of a list is told by no more than that.
    let told = with.split('&').map(|part| match part.split_once('=') {
        Some(("cursor", _)) => "cursor=…",
        _ => part,
    });
    Case {
        with: told.collect::<Vec<_>>().join("&"),
        ..at(address, path, most_rows)
    }
}

fn at(address: &'static str, path: String, most_rows: u64) -> Case {
    let request = |_| Request {
        method: Method::GET,
        path: path.clone(),
        body: None,
    };
    Case {
        address,
        with: String::new(),
        requests: (0..TIMES).map(request).collect(),
        most_rows,
    }
}

fn change(
    address: &'static str,
    with: &str,
    most_rows: u64,
    times: u32,
    request: impl Fn(u32) -> (Method, String, Option<Value>),
) -> Case {
    let request = |n| {
        let (method, path, body) = request(n);
        Request { method, path, body }
    };
    Case {
        address,
        with: with.to_owned(),
        requests: (0..times).map(request).collect(),
        most_rows,
    }
}

fn join(one: &str, other: &str) -> String {
    if one.is_empty() {
        other.to_owned()
    } else {
        format!("{one}&{other}")
    }
}
