//! What an address asks for behind its question mark. Everything wrong with it is told at once; what no route knows is ignored.

use front_desk::Date;
use front_desk::period::{self, Range, RangeError};
use front_desk::text::Phone;
use front_desk::zone::plus_days;
use serde_json::{Map, Value};

use super::{Ask, Failure, Fields};
use crate::problem::{FieldError, Problem};
use crate::store::{Cursor, MOST_ROWS};

/// Rows of a page that was asked for without a limit: about a screen and a half.
pub(super) const ROWS: u32 = 50;

/// The fields of a request's address. A form's empty ones are as good as missing.
pub(super) fn fields(ask: &Ask) -> Result<Fields, Failure> {
    let url = ask.request.url()?;
    Ok(Fields::new(given(&url)))
}

fn given(url: &url::Url) -> Map<String, Value> {
    url.query_pairs()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}

/// Reads `from` and `to`. Where one is missing, the range has as many days as `default`; where both are, it is that.
pub(super) fn range(form: &mut Fields, default: Range) -> Option<Range> {
    let more = default.length().saturating_sub(1);
    let from = form.optional("from", day);
    let to = form.optional("to", day);
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, plus_days(from, more)),
        (None, Some(to)) => (plus_days(to, more.saturating_neg()), to),
        (None, None) => (default.from(), default.to()),
    };
    match Range::new(from, to) {
        Ok(range) => Some(range),
        Err(RangeError::TooLong) => {
            form.refuse("to", "must be less than 366 days after from");
            None
        }
        Err(_) => {
            form.refuse("to", "must not be before from");
            None
        }
    }
}

/// So many days that begin with `from`.
pub(super) fn since(from: Date, days: i32) -> Range {
    let to = plus_days(from, days.saturating_sub(1));
    Range::new(from, to).unwrap_or_else(|_| Range::last(1, from))
}

/// A part of a path, decoded.
pub(super) fn decoded(segment: &str) -> String {
    // A plus is a plus in a path.
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A telephone number as it is kept for a business of this country.
pub(super) fn number(field: &str, text: &str, country: &str) -> Result<Phone, Failure> {
    Phone::parse(text, country).map_err(|_| {
        let error = FieldError {
            field: field.to_owned(),
            why: "must be a telephone number".to_owned(),
        };
        Problem::invalid(vec![error]).into()
    })
}

pub(super) fn day(text: &str) -> Result<Date, &'static str> {
    period::date(text).ok_or("must be a day such as 2026-11-24")
}

pub(super) fn cursor(text: &str) -> Result<Cursor, &'static str> {
    text.parse().map_err(|_| "is not the next of a list")
}

pub(super) fn limit(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(limit @ 1..=MOST_ROWS) => Ok(limit),
        _ => Err("must be 1 to 200"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(query: &str) -> Fields {
        let url = url::Url::parse(&format!("https://voice.example/api/x?{query}")).unwrap();
        Fields::new(given(&url))
    }

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn range(query: &str) -> Result<(String, String), String> {
        let mut form = form(query);
        let default = Range::last(7, date("2026-11-24"));
        let wanted = super::range(&mut form, default);
        match form.finish(wanted) {
            Ok(range) => Ok((range.from().to_string(), range.to().to_string())),
            Err(Failure::Problem(problem)) => {
                let told = serde_json::to_value(problem).unwrap();
                Err(told["errors"].to_string())
            }
            Err(failure) => panic!("{failure:?}"),
        }
    }

    #[test]
    fn a_range_is_read_or_refused_by_field() {
        for (query, from, to) in [
            ("", "2026-11-18", "2026-11-24"),
            ("from=&to=", "2026-11-18", "2026-11-24"),
            ("from=2026-03-01", "2026-03-01", "2026-03-07"),
            ("to=2026-03-07", "2026-03-01", "2026-03-07"),
            (
                "from=2026-01-01&to=2026-12-31&x=1",
                "2026-01-01",
                "2026-12-31",
            ),
            ("from=2024-02-29&to=2024-02-29", "2024-02-29", "2024-02-29"),
        ] {
            assert_eq!(
                range(query),
                Ok((from.to_owned(), to.to_owned())),
                "{query}"
            );
        }
        for (query, fields) in [
            ("from=yesterday&to=2026-02-30", ["from", "to"].as_slice()),
            ("from=2026-11-25&to=2026-11-24", &["to"]),
            ("from=2024-01-01&to=2026-01-01", &["to"]),
            ("from=20261124", &["from"]),
        ] {
            let told = range(query).unwrap_err();
            for field in fields {
                assert!(
                    told.contains(&format!("\"field\":\"{field}\"")),
                    "{query}: {told}"
                );
            }
        }
    }

    #[test]
    fn a_number_of_days_has_so_many() {
        for days in [1, 14, 366] {
            assert_eq!(since(date("2026-11-24"), days).length(), days);
        }
    }

    #[test]
    fn lists_have_bounds() {
        assert_eq!(limit("200"), Ok(200));
        for text in ["0", "201", "-1", "1e2", "", "99999999999"] {
            assert!(limit(text).is_err(), "{text}");
        }
        assert!(cursor("1764000000000_0f0f").is_ok());
        for text in ["", "x", "1_'; DROP TABLE calls;--", "1764000000000"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_in_a_path_keeps_its_plus() {
        for (segment, kept) in [
            ("+12025550143", "+12025550143"),
            ("%2B12025550143", "+12025550143"),
            ("(202)%20555-0143", "(202) 555-0143"),
            ("a&b=c", "a"),
            ("", ""),
        ] {
            assert_eq!(decoded(segment), kept, "{segment}");
        }
        assert_eq!(
            number("number", "(202) 555-0143", "US").unwrap().as_str(),
            "+12025550143"
        );
        assert!(number("number", "a", "US").is_err());
    }
}
