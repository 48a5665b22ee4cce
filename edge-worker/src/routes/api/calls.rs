//! Calls: a list with filters, one call with all that happened in it, and the list as a table for spreadsheets.

use front_desk::business::Business;
use front_desk::csv::{Cell, Table};
use front_desk::text::Phone;
use worker::{Method, ResponseBuilder};

use super::query;
use super::show::{Show, usage};
use super::types::{self, CallDetail, Calls};
use super::whose::{Whose, json};
use super::{Answer, Ask, Failure, Fields, Guard, Route};
use crate::store::call::{self, Filter, Wanted};
use crate::store::record::Door;
use crate::store::{Cursor, MOST_ROWS};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/calls", Guard::Viewer, |ask| {
        Box::pin(list(ask))
    }),
    Route::new(Method::Get, "/api/calls.csv", Guard::Viewer, |ask| {
        Box::pin(export(ask))
    }),
    Route::new(Method::Get, "/api/calls/{id}", Guard::Viewer, |ask| {
        Box::pin(detail(ask))
    }),
];

/// Pages of the store that one table is made of: 2000 calls, which take the worker about as long as one request may.
const EXPORTED_PAGES: usize = 10;

/// The longest word for how a call ended.
const OUTCOME: usize = 40;

/// `door`, `outcome`, `from`, `to`, `number`, `cursor`, `limit`.
async fn list(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let mut form = query::fields(&ask)?;
    let limit = form.optional("limit", query::limit).unwrap_or(query::ROWS);
    let (filter, cursor) = read(form, whose.business())?;
    let page = call::list(&whose.db, whose.id(), &filter, cursor.as_ref(), limit).await?;
    let show = Show(whose.business());
    json(&Calls {
        site: show.site(&whose.site),
        calls: page.rows.into_iter().map(|row| show.call(row)).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

async fn detail(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let found = call::detail(&whose.db, whose.id(), ask.parameter("id")).await?;
    let show = Show(whose.business());
    json(&CallDetail {
        site: show.site(&whose.site),
        usage: usage(found.call.usage()),
        turns: found.turns.into_iter().map(|row| show.turn(row)).collect(),
        tool_runs: found
            .tool_runs
            .into_iter()
            .map(|row| show.tool_run(row))
            .collect(),
        bookings: found
            .bookings
            .into_iter()
            .map(|row| show.booking(row))
            .collect(),
        messages: found
            .messages
            .into_iter()
            .map(|row| show.message(row))
            .collect(),
        call: show.call(found.call),
    })
}

/// The filters of the list. A table that would be too long ends early, and a `Link` header says where the next begins.
async fn export(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let (filter, mut after) = read(query::fields(&ask)?, whose.business())?;
    let show = Show(whose.business());
    let mut table = Table::new(&COLUMNS);
    for _ in 0..EXPORTED_PAGES {
        let page = call::list(&whose.db, whose.id(), &filter, after.as_ref(), MOST_ROWS).await?;
        for row in page.rows {
            write(&mut table, &show.call(row));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut response = ResponseBuilder::new()
        .with_header("Content-Type", "text/csv; charset=utf-8; header=present")?
        .with_header("Content-Disposition", "attachment; filename=\"calls.csv\"")?;
    if let Some(cursor) = after {
        let next = next(ask.request.url()?, &cursor);
        response = response.with_header("Link", &format!("<{next}>; rel=\"next\""))?;
    }
    Ok(response.fixed(table.into_string().into_bytes()))
}

/// Reads the filters and where to go on.
fn read(mut form: Fields, business: &Business) -> Result<(Filter, Option<Cursor>), Failure> {
    let zone = &business.zone;
    let cursor = form.optional("cursor", query::cursor);
    let from = form.optional("from", query::day);
    let to = form.optional("to", query::day);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        form.refuse("to", "must not be before from");
    }
    let filter = Filter {
        from: from.map(|day| zone.start_of(day)),
        to: to.map(|day| zone.day(day).1),
        door: form.optional("door", door),
        caller: form
            .optional("number", |text| {
                Phone::parse(text, &business.country).map_err(|_| "must be a telephone number")
            })
            .map(|number| number.as_str().to_owned()),
        result: form.optional("outcome", outcome).unwrap_or_default(),
    };
    form.finish(Some((filter, cursor)))
}

fn door(text: &str) -> Result<Door, &'static str> {
    match text {
        "browser" => Ok(Door::Browser),
        "phone" => Ok(Door::Phone),
        _ => Err("must be browser or phone"),
    }
}

/// How a call ended, or `booked`: something was booked in it, however it ended.
fn outcome(text: &str) -> Result<Wanted, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match text {
        "booked" => Ok(Wanted::Booked),
        _ if text.len() <= OUTCOME && text.bytes().all(is_plain) => {
            Ok(Wanted::Outcome(text.to_owned()))
        }
        _ => Err("must be booked or the way in which a call ends"),
    }
}

/// The same address from another place in the list on.
fn next(mut url: url::Url, cursor: &Cursor) -> String {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "cursor")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair("cursor", &cursor.to_string());
    let query = url.query().unwrap_or_default();
    format!("{}?{query}", url.path())
}

const COLUMNS: [&str; 17] = [
    "id",
    "day",
    "time",
    "seconds",
    "door",
    "number",
    "name",
    "outcome",
    "turns",
    "replies",
    "interruptions",
    "median_ms",
    "p95_ms",
    "bookings",
    "messages",
    "revenue",
    "currency",
];

fn write(table: &mut Table, call: &types::Call) {
    let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
    let (number, name, outcome) = (text(&call.caller), text(&call.name), text(&call.outcome));
    let count = |count: u32| Cell::Number(count.into());
    let measured = |ms: Option<u32>| ms.map_or(Cell::Empty, |ms| Cell::Number(ms.into()));
    table.row(&[
        Cell::Text(&call.id),
        Cell::Text(&call.started.day),
        Cell::Text(&call.started.time),
        call.length_ms
            .map_or(Cell::Empty, |ms| Cell::Number(ms / 1_000)),
        Cell::Text(call.door.as_str()),
        Cell::Text(&number),
        Cell::Text(&name),
        Cell::Text(&outcome),
        count(call.turns),
        count(call.replies),
        count(call.interruptions),
        measured(call.median_ms),
        measured(call.p95_ms),
        count(call.bookings),
        count(call.messages),
        Cell::Text(&call.revenue.amount),
        Cell::Text(&call.revenue.currency),
    ]);
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::routes::api::show::tests::call;

    fn filter(pairs: &[(&str, &str)]) -> Result<(Filter, Option<Cursor>), String> {
        let given: Map<_, _> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        read(Fields::new(given), &Business::demo()).map_err(|failure| match failure {
            Failure::Problem(problem) => {
                serde_json::to_value(problem).unwrap()["errors"].to_string()
            }
            failure @ Failure::Runtime(_) => panic!("{failure:?}"),
        })
    }

    #[test]
    fn filters_are_read() {
        assert_eq!(filter(&[]), Ok((Filter::default(), None)));
        let (read, cursor) = filter(&[
            ("door", "phone"),
            ("outcome", "booked"),
            ("from", "2026-11-24"),
            ("to", "2026-11-24"),
            ("number", "(202) 555-0143"),
            ("cursor", "1795000000000_0f"),
        ])
        .unwrap();
        let day = 24 * 3_600_000;
        assert_eq!(
            read,
            Filter {
                from: Some(1_795_496_400_000),
                to: Some(1_795_496_400_000 + day),
                door: Some(Door::Phone),
                caller: Some("+12025550143".to_owned()),
                result: Wanted::Booked,
            }
        );
        assert_eq!(
            cursor.map(|cursor| (cursor.at, cursor.id)),
            Some((1_795_000_000_000, "0f".to_owned()))
        );
        let (read, _) = filter(&[("outcome", "hung_up")]).unwrap();
        assert_eq!(read.result, Wanted::Outcome("hung_up".to_owned()));
    }

    #[test]
    fn every_filter_that_is_wrong_is_named() {
        let pairs = [
            ("cursor", "'; DROP TABLE calls;--"),
            ("from", "24.11.2026"),
            ("to", "2026-13-01"),
            ("door", "window"),
            ("number", "=1+1"),
            ("outcome", "<script>"),
        ];
        let told = filter(&pairs).unwrap_err();
        for (field, _) in pairs {
            assert!(
                told.contains(&format!("\"field\":\"{field}\"")),
                "{field}: {told}"
            );
        }
        assert!(filter(&[("from", "2026-11-24"), ("to", "2026-11-23")]).is_err());
        assert!(filter(&[("outcome", &"a".repeat(41))]).is_err());
    }

    #[test]
    fn the_next_table_has_the_same_filters() {
        let url = url::Url::parse(
            "https://voice.example/api/calls.csv?number=%2B1202&cursor=1_a&door=phone",
        )
        .unwrap();
        let cursor = Cursor {
            at: 2,
            id: "b".to_owned(),
        };
        assert_eq!(
            next(url, &cursor),
            "/api/calls.csv?number=%2B1202&door=phone&cursor=2_b"
        );
        let url = url::Url::parse("https://voice.example/api/calls.csv").unwrap();
        assert_eq!(next(url, &cursor), "/api/calls.csv?cursor=2_b");
    }

    #[test]
    fn a_table_runs_nothing() {
        let business = Business::demo();
        let mut row = call("0f");
        row.name = Some("=HYPERLINK(\"http://evil.example\")".to_owned());
        let mut table = Table::new(&COLUMNS);
        write(&mut table, &Show(&business).call(row));
        assert_eq!(
            table.into_string(),
            "id,day,time,seconds,door,number,name,outcome,turns,replies,interruptions,median_ms,p95_ms,bookings,messages,revenue,currency\r\n\
             0f,2026-11-24,23:30,61,phone,\"'+12025550143\",\"'=HYPERLINK(\"\"http://evil.example\"\")\",completed,4,3,1,320,,1,0,90.50,USD\r\n"
        );
    }
}
