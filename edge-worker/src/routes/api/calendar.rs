//! The calendar feed: bookings at an address that only those know who were given it.
//!
//! A calendar program cannot sign in. The address is its key; an owner can make another, and the old one leads nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use front_desk::booking::Booking;
use front_desk::ics;
use front_desk::zone::plus_days;
use sha2::{Digest, Sha256};
use worker::{Method, ResponseBuilder};

use super::types::Calendar;
use super::whose::{Whose, json};
use super::{Answer, Ask, Failure, Guard, Route, now, query};
use crate::auth::random_id;
use crate::problem::Problem;
use crate::store::database::Metered;
use crate::store::{MOST_ROWS, booking, site};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/calendar", Guard::Owner, |ask| {
        Box::pin(address(ask))
    }),
    Route::new(Method::Post, "/api/calendar/renew", Guard::Owner, |ask| {
        Box::pin(renew(ask))
    }),
    Route::new(
        Method::Get,
        "/calendar/{file}",
        Guard::Open(
            "whoever has the address may read the bookings: it is secret, and an owner can renew it",
        ),
        |ask| Box::pin(feed(ask)),
    ),
];

/// Days of the feed before today, so that what was yesterday does not vanish over night.
const DAYS_BEFORE: i32 = 7;

/// And from today on: a practice that books further ahead sees the rest in the dashboard.
const DAYS_AFTER: i32 = 180;

/// The most bookings of a feed: twenty each working day for five months. More would take too long to write in one answer.
const MOST_PAGES: usize = 10;

/// The longest token that is looked up; there is none below 128 bits.
const TOKEN: std::ops::RangeInclusive<usize> = 20..=128;

async fn address(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    shown(&ask, &whose.site.calendar_token)
}

async fn renew(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let token = random_id()?;
    site::renew_calendar(&whose.db, whose.id(), &token, now()).await?;
    whose.note(&ask, "calendar.renew", whose.id()).await?;
    shown(&ask, &token)
}

fn shown(ask: &Ask, token: &str) -> Answer {
    let own = ask.own_origin()?;
    let public = ask.settings()?.public_origin.as_ref();
    let origin = public.or(own.as_ref()).ok_or_else(Problem::internal)?;
    json(&Calendar {
        url: format!("{}/calendar/{token}.ics", origin.as_str()),
    })
}

async fn feed(ask: Ask) -> Answer {
    let token = token(ask.parameter("file")).ok_or_else(Problem::not_found)?;
    let db = ask.db()?;
    let id = site::of_calendar(&db, token).await?;
    let business = site::load(&db, &id).await?.business;
    let today = business.zone.today(now());
    let from = plus_days(today, DAYS_BEFORE.saturating_neg());
    let days = DAYS_BEFORE.saturating_add(DAYS_AFTER);
    let bookings = bookings(&db, &id, query::since(from, days).bounds(&business.zone)).await?;
    let text = ics::calendar(&business, &bookings);
    let tag = tag(&text);
    let known = ask.request.headers().get("If-None-Match")?;
    let response = ResponseBuilder::new()
        .with_header("ETag", &tag)?
        .with_header("Cache-Control", "private, no-cache")?
        .with_header("Server-Timing", &ask.meter().to_string())?
        // It is nobody's page, and its address is not to be told to another.
        .with_header("Referrer-Policy", "no-referrer")?
        .with_header("X-Robots-Tag", "noindex")?;
    if known.is_some_and(|known| has(&known, &tag)) {
        return Ok(response.with_status(304).empty());
    }
    Ok(response
        .with_header("Content-Type", "text/calendar; charset=utf-8")?
        .with_header("Content-Disposition", "inline; filename=\"bookings.ics\"")?
        .fixed(text.into_bytes()))
}

async fn bookings(db: &Metered, site: &str, span: (i64, i64)) -> Result<Vec<Booking>, Failure> {
    let mut bookings = Vec::new();
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let page = booking::between(db, site, span, after.as_ref(), MOST_ROWS).await?;
        // Those of a caller who was forgotten have nobody to be shown.
        bookings.extend(page.rows.iter().filter_map(booking::Booking::domain));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(bookings)
}

/// The token of a feed's file.
fn token(file: &str) -> Option<&str> {
    let token = file.strip_suffix(".ics")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (TOKEN.contains(&token.len()) && token.bytes().all(is_plain)).then_some(token)
}

fn tag(text: &str) -> String {
    let digest = Sha256::digest(text);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest))
}

/// Whether a list of tags has this one (RFC 9110, 13.1.2). Weak ones compare as strong ones do.
fn has(known: &str, tag: &str) -> bool {
    known
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_token() {
        let random = "0f".repeat(16);
        assert_eq!(token(&format!("{random}.ics")), Some(random.as_str()));
        for file in [
            "",
            ".ics",
            "token.ics",
            &random,
            &format!("{random}.ICS"),
            &format!("{}.ics", "a".repeat(200)),
            "%27%20OR%201%3D1--aaaaaaaaaaaa.ics",
        ] {
            assert_eq!(token(file), None, "{file}");
        }
    }

    #[test]
    fn a_calendar_is_sent_again_only_when_it_changed() {
        let (one, two) = (tag("one"), tag("two"));
        assert_ne!(one, two);
        for known in [
            one.clone(),
            format!("W/{one}"),
            format!("{two}, {one}"),
            "*".to_owned(),
        ] {
            assert!(has(&known, &one), "{known}");
        }
        for known in ["", two.as_str(), "\"\"", one.trim_matches('"')] {
            assert!(!has(known, &one), "{known}");
        }
    }
}
