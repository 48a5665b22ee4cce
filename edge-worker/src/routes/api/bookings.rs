//! Appointments: a range of them, and what the staff may do by hand.
//!
//! The staff are bound by what is booked already, by the past and by the services there are, like a caller; but not by the lead time, by
//! the steps of the clock or by how far ahead callers may book, and with `outside_hours` not by the opening hours either.

use front_desk::Date;
use front_desk::booking::{Reason, Request, decide_booking};
use front_desk::business::{Business, Policies};
use front_desk::hours::{Exception, Interval, TimeOfDay};
use front_desk::text::{Name, Note, Phone, TextError};
use serde_json::Value;
use worker::Method;

use super::query;
use super::show::Show;
use super::types::Bookings;
use super::whose::{Whose, created, json};
use super::{Answer, Ask, BODY_MAX, Failure, Fields, Guard, Route, now};
use crate::auth::random_id;
use crate::problem::{FieldError, Problem};
use crate::store::{self, MOST_ROWS};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/bookings", Guard::Viewer, |ask| {
        Box::pin(list(ask))
    }),
    Route::new(Method::Post, "/api/bookings", Guard::Owner, |ask| {
        Box::pin(add(ask))
    }),
    Route::new(
        Method::Post,
        "/api/bookings/{id}/cancel",
        Guard::Owner,
        |ask| Box::pin(cancel(ask)),
    ),
    Route::new(
        Method::Post,
        "/api/bookings/{id}/restore",
        Guard::Owner,
        |ask| Box::pin(restore(ask)),
    ),
];

/// Days that are shown unless it is said which: today and the rest of a fortnight.
const DAYS: i32 = 14;

/// Days ahead that the staff can book: callers may a year at most, and the next check-up is agreed at this one.
const HORIZON_DAYS: u16 = 400;

/// The longest `Idempotency-Key`: a random UUID has 36 characters.
const KEY: usize = 64;

/// `from`, `to`, `cursor`, `limit`.
async fn list(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let zone = &whose.business().zone;
    let mut form = query::fields(&ask)?;
    let range = query::range(&mut form, query::since(zone.today(now()), DAYS));
    let cursor = form.optional("cursor", query::cursor);
    let limit = form.optional("limit", query::limit).unwrap_or(MOST_ROWS);
    let range = form.finish(range)?;
    let span = range.bounds(zone);
    let page = store::booking::between(&whose.db, whose.id(), span, cursor.as_ref(), limit).await?;
    let show = Show(whose.business());
    json(&Bookings {
        site: show.site(&whose.site),
        from: show.day(range.from()),
        to: show.day(range.to()),
        days: show.by_day(page.rows),
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

/// What the staff ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    request: Request,
    note: Option<Note>,
    outside_hours: bool,
}

/// `{service, day, time, name, phone?, note?, outside_hours?}`. Asked again under the same `Idempotency-Key`, it is booked once.
async fn add(mut ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let business = whose.business();
    let id = random_id()?;
    let key = match ask.request.headers().get("Idempotency-Key")? {
        Some(key) => idempotency(&key)?.to_owned(),
        None => id.clone(),
    };
    let wanted = read(ask.json(BODY_MAX).await?, &business.country)?;
    let now = now();
    let rules = staffs(business, wanted.request.date, wanted.outside_hours);
    // Whether the time is free is for the schema to say, which also knows this request from before.
    let new = decide_booking(&rules, &wanted.request, &[], now)
        .map_err(|refusal| refused(refusal.reason))?;
    let asked = store::booking::Request {
        key: &format!("staff:{}:{key}", whose.id()),
        call: None,
        now,
        today: &business.zone.today(now).to_string(),
    };
    let row = store::booking::NewBooking {
        note: wanted.note.as_ref().map_or("", Note::as_str),
        ..store::booking::NewBooking::of(&id, whose.id(), &new)
    };
    let made = store::booking::book(&whose.db, &asked, &row).await?;
    if made.id == id {
        whose.note(&ask, "booking.add", &id).await?;
    } else if (made.starts_at, &made.service, made.name.as_str())
        != (new.starts_at, &new.service, new.name.as_str())
    {
        let why = "another booking was made under this Idempotency-Key";
        return Err(Problem::conflict("key_used", why).into());
    }
    created(&Show(business).booking(made))
}

async fn cancel(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let id = ask.parameter("id");
    let cancelled = store::booking::cancel(&whose.db, whose.id(), id, now()).await?;
    whose.note(&ask, "booking.cancel", id).await?;
    json(&Show(whose.business()).booking(cancelled))
}

/// Takes a cancellation back. Refused when the time was taken in the meantime.
async fn restore(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let id = ask.parameter("id");
    let restored = store::restore::restore(&whose.db, whose.id(), id, now()).await?;
    whose.note(&ask, "booking.restore", id).await?;
    json(&Show(whose.business()).booking(restored))
}

/// The rules that bind the staff on a day.
fn staffs(business: &Business, day: Date, outside_hours: bool) -> Business {
    let mut rules = business.clone();
    rules.policies = Policies {
        lead_minutes: 0,
        horizon_days: HORIZON_DAYS,
        step_minutes: 1,
    };
    if outside_hours {
        rules.hours.exceptions.retain(|other| other.date != day);
        rules.hours.exceptions.push(Exception {
            date: day,
            open: vec![Interval {
                from: TimeOfDay::MIDNIGHT,
                to: TimeOfDay::END_OF_DAY,
            }],
            reason: String::new(),
        });
    }
    rules
}

fn read(body: Value, country: &str) -> Result<Wanted, Failure> {
    let Value::Object(mut given) = body else {
        return Err(Problem::bad_request("the body is not a JSON object").into());
    };
    let outside = given.remove("outside_hours").unwrap_or_default();
    let mut form = Fields::new(given);
    let outside_hours = match outside {
        Value::Bool(outside) => outside,
        Value::Null => false,
        _ => {
            form.refuse("outside_hours", "must be true or false");
            false
        }
    };
    let service = form.required("service", |text| match text.len() {
        1..=64 => Ok(text.to_owned()),
        _ => Err("is not offered"),
    });
    let date = form.required("day", query::day);
    let time = form.required("time", |text| {
        text.parse()
            .map_err(|_| "must be a time of day such as 09:30")
    });
    let name = form.required("name", |text| {
        Name::parse(text).map_err(|_| "must have 1 to 80 characters")
    });
    let phone = form.optional("phone", |text| match text.trim() {
        "" => Ok(None),
        text => Phone::parse(text, country)
            .map(Some)
            .map_err(|_| "must be a telephone number"),
    });
    let note = form.optional("note", |text| match Note::parse(text) {
        Ok(note) => Ok(Some(note)),
        Err(TextError::Empty) => Ok(None),
        Err(TextError::TooLong(_)) => Err("must have at most 1000 characters"),
    });
    let parts = service.zip(date).zip(time).zip(name);
    let (((service, date), time), name) = form.finish(parts)?;
    Ok(Wanted {
        request: Request {
            service,
            date,
            time,
            name,
            phone: phone.flatten(),
        },
        note: note.flatten(),
        outside_hours,
    })
}

fn idempotency(key: &str) -> Result<&str, Failure> {
    let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && (1..=KEY).contains(&key.len()) {
        return Ok(key);
    }
    let why = "Idempotency-Key must have 1 to 64 visible ASCII characters";
    Err(Problem::bad_request(why).into())
}

/// A refusal, by the field that would have to be another.
fn refused(reason: Reason) -> Failure {
    let (field, why) = match reason {
        Reason::ClosedDay => ("day", "is a day on which the business is closed"),
        Reason::ClosedHour => (
            "time",
            "is outside the opening hours, or so late that they would be over",
        ),
        Reason::NoService => ("service", "is not offered"),
        Reason::NoSuchTime => ("time", "is skipped on this day: the clocks change"),
        Reason::Past => ("day", "is in the past"),
        Reason::TooFar => ("day", "is more than 400 days ahead"),
        Reason::Taken => return store::StoreError::Taken.into(),
        Reason::FullyBooked
        | Reason::NotFound
        | Reason::OffGrid
        | Reason::PhoneMissing
        | Reason::Several
        | Reason::TooSoon => ("time", "cannot be booked"),
    };
    let error = FieldError {
        field: field.to_owned(),
        why: why.to_owned(),
    };
    Problem::invalid(vec![error]).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-23, a Monday, 11:00 in New York.
    const NOW: i64 = 1_795_449_600_000;

    fn body() -> Value {
        json!({ "service": "cleaning", "day": "2026-11-24", "time": "10:07", "name": " Ada  Lovelace " })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut body = body();
        body[field] = value;
        body
    }

    fn told(failure: Failure) -> Value {
        let Failure::Problem(problem) = failure else {
            panic!("{failure:?}");
        };
        serde_json::to_value(problem).unwrap()
    }

    fn decided(body: Value) -> Result<String, Value> {
        let business = Business::demo();
        let wanted = read(body, "US").map_err(told)?;
        let rules = staffs(&business, wanted.request.date, wanted.outside_hours);
        let new = decide_booking(&rules, &wanted.request, &[], NOW)
            .map_err(|refusal| told(refused(refusal.reason)))?;
        let (day, time) = business.zone.local(new.starts_at);
        Ok(format!("{day} {time}"))
    }

    #[test]
    fn the_staff_book_what_callers_may_not() {
        for (body, start) in [
            (body(), "2026-11-24 10:07"),
            // Half an hour from now, where callers need an hour.
            (with("day", json!("2026-11-23")), "2026-11-23 10:07"),
            (with("day", json!("2027-11-23")), "2027-11-23 10:07"),
        ] {
            let body = match start {
                "2026-11-23 10:07" => {
                    let mut body = body;
                    body["time"] = json!("11:30");
                    body
                }
                _ => body,
            };
            let wanted = start.replace("2026-11-23 10:07", "2026-11-23 11:30");
            assert_eq!(decided(body), Ok(wanted));
        }
        let mut sunday = with("day", json!("2026-11-29"));
        assert_eq!(
            decided(sunday.clone()).unwrap_err()["errors"][0]["field"],
            "day"
        );
        sunday["outside_hours"] = json!(true);
        assert_eq!(decided(sunday), Ok("2026-11-29 10:07".to_owned()));
    }

    #[test]
    fn what_nobody_can_book_is_refused_by_field() {
        for (field, value) in [
            ("service", json!("surgery")),
            ("day", json!("2026-11-20")),
            ("day", json!("2028-11-20")),
            ("day", json!("2026-11-29")),
            ("time", json!("08:00")),
            ("time", json!("16:30")),
        ] {
            let told = decided(with(field, value.clone())).unwrap_err();
            assert_eq!(
                (&told["status"], &told["errors"][0]["field"]),
                (&json!(422), &json!(field)),
                "{value}"
            );
        }
    }

    #[test]
    fn a_form_is_read_or_refused_by_field() {
        let wanted = read(with("phone", json!("(202) 555-0143")), "US").unwrap();
        assert_eq!(wanted.request.name.as_str(), "Ada Lovelace");
        assert_eq!(wanted.request.phone.unwrap().as_str(), "+12025550143");
        assert_eq!(
            read(with("phone", json!(" ")), "US").unwrap().request.phone,
            None
        );
        for (field, value) in [
            ("service", json!("")),
            ("service", json!(7)),
            ("day", json!("tomorrow")),
            ("time", json!("25:00")),
            ("name", json!("\u{202e}\u{0}")),
            ("name", json!("a".repeat(81))),
            ("phone", json!("call me")),
            ("note", json!("a".repeat(1001))),
            ("outside_hours", json!("yes")),
        ] {
            let told = told(read(with(field, value.clone()), "US").unwrap_err());
            assert_eq!(told["errors"][0]["field"], field, "{value}");
        }
        let told = told(read(json!({}), "US").unwrap_err());
        assert_eq!(told["errors"].as_array().map(Vec::len), Some(4));
        assert!(read(json!([1]), "US").is_err());
    }

    #[test]
    fn a_key_is_short_and_plain() {
        assert_eq!(idempotency("0c9b-4f").unwrap(), "0c9b-4f");
        for key in ["", "a b", "ä", &"a".repeat(65)] {
            assert!(idempotency(key).is_err(), "{key}");
        }
    }
}
