//! An iCalendar feed of bookings (RFC 5545), for the calendars of a business's people.
//!
//! Instants are written in UTC, which every calendar shows in its own zone; nothing depends on the moment of asking, so an unchanged
//! feed is the same bytes.

use crate::booking::{Booking, Status};
use crate::business::Business;
use crate::zone::Zone;

/// The calendar of these bookings, in the order given.
#[must_use]
pub fn calendar(business: &Business, bookings: &[Booking]) -> String {
    let mut feed = Feed::default();
    feed.line("BEGIN", "VCALENDAR");
    feed.line("VERSION", "2.0");
    feed.line("PRODID", "-//Voxanne//Bookings//EN");
    feed.line("CALSCALE", "GREGORIAN");
    feed.line("X-WR-CALNAME", &escaped(&business.name));
    feed.line("X-WR-TIMEZONE", &escaped(business.zone.name()));
    feed.line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
    feed.line("X-PUBLISHED-TTL", REFRESH);
    for booking in bookings {
        feed.event(business, booking);
    }
    feed.line("END", "VCALENDAR");
    feed.text
}

#[derive(Default)]
struct Feed {
    text: String,
}

impl Feed {
    fn event(&mut self, business: &Business, booking: &Booking) {
        let changed = stamp(booking.changed_at);
        self.line("BEGIN", "VEVENT");
        self.line(
            "UID",
            &escaped(&format!("{}@{}.voxanne", booking.id, business.id)),
        );
        self.line("DTSTAMP", &changed);
        self.line("LAST-MODIFIED", &changed);
        self.line("CREATED", &stamp(booking.created_at));
        self.line("SEQUENCE", &booking.sequence.to_string());
        self.line("DTSTART", &stamp(booking.starts_at));
        self.line("DTEND", &stamp(booking.ends_at));
        self.line(
            "SUMMARY",
            &escaped(&format!("{}: {}", booking.service_name, booking.name)),
        );
        let price = format!(
            "{} {}",
            business.currency.amount(booking.price),
            business.currency.code()
        );
        let contact = booking
            .phone
            .as_ref()
            .map(|phone| format!("Telephone: {phone}\n"))
            .unwrap_or_default();
        self.line("DESCRIPTION", &escaped(&format!("{contact}Price: {price}")));
        self.line(
            "STATUS",
            match booking.status {
                Status::Booked => "CONFIRMED",
                Status::Cancelled => "CANCELLED",
            },
        );
        self.line(
            "TRANSP",
            match booking.status {
                Status::Booked => "OPAQUE",
                Status::Cancelled => "TRANSPARENT",
            },
        );
        self.line("END", "VEVENT");
    }

    /// A content line, folded: no line has more than 75 bytes, and none ends within a character.
    fn line(&mut self, name: &str, value: &str) {
        let mut room = FOLD;
        for character in name.chars().chain([':']).chain(value.chars()) {
            match room.checked_sub(character.len_utf8()) {
                Some(left) => room = left,
                None => {
                    self.text.push_str("\r\n ");
                    // The space counts.
                    room = FOLD.saturating_sub(1).saturating_sub(character.len_utf8());
                }
            }
            self.text.push(character);
        }
        self.text.push_str("\r\n");
    }
}

/// A TEXT value. Control characters have no place in one.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

/// `20261124T140000Z`
fn stamp(instant: i64) -> String {
    let utc = Zone::default();
    let (date, time) = utc.local(instant);
    let seconds = instant.div_euclid(1000).rem_euclid(60);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{seconds:02}Z",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute()
    )
}

/// RFC 5545, 3.1: octets of a line without its end.
const FOLD: usize = 75;

/// How often a calendar should ask: a booking is seen while it is still news.
const REFRESH: &str = "PT15M";

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::text::{Name, Phone};

    fn booking(name: &str, status: Status) -> Booking {
        Booking {
            id: "b1".to_owned(),
            service: "cleaning".to_owned(),
            service_name: "cleaning".to_owned(),
            price: 9_000,
            starts_at: 1_795_532_400_000,
            ends_at: 1_795_535_100_000,
            name: Name::parse(name).unwrap(),
            phone: Some(Phone::parse("2025550143", "US").unwrap()),
            status,
            created_at: 1_795_400_000_123,
            changed_at: 1_795_400_001_000,
            sequence: 2,
        }
    }

    #[test]
    fn a_feed() {
        let feed = calendar(
            &Business::demo(),
            &[booking("Ada; \"A\", Lovelace\\", Status::Booked)],
        );
        expect![[r#"
            BEGIN:VCALENDAR
            VERSION:2.0
            PRODID:-//Voxanne//Bookings//EN
            CALSCALE:GREGORIAN
            X-WR-CALNAME:Willow Lane Dental
            X-WR-TIMEZONE:America/New_York
            REFRESH-INTERVAL;VALUE=DURATION:PT15M
            X-PUBLISHED-TTL:PT15M
            BEGIN:VEVENT
            UID:b1@demo-dental.voxanne
            DTSTAMP:20261123T021321Z
            LAST-MODIFIED:20261123T021321Z
            CREATED:20261123T021320Z
            SEQUENCE:2
            DTSTART:20261124T150000Z
            DTEND:20261124T154500Z
            SUMMARY:cleaning: Ada\; "A"\, Lovelace\\
            DESCRIPTION:Telephone: +12025550143\nPrice: 90 USD
            STATUS:CONFIRMED
            TRANSP:OPAQUE
            END:VEVENT
            END:VCALENDAR
        "#]]
        .assert_eq(&feed.replace("\r\n", "\n"));
    }

    #[test]
    fn long_lines_are_folded_between_characters() {
        let name = "é".repeat(80);
        let feed = calendar(&Business::demo(), &[booking(&name, Status::Cancelled)]);
        assert!(feed.split("\r\n").all(|line| line.len() <= 75));
        let unfolded = feed.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("SUMMARY:cleaning: {name}\r\n")));
        assert!(unfolded.contains("STATUS:CANCELLED\r\nTRANSP:TRANSPARENT\r\n"));
        assert!(feed.split("\r\n").all(|line| !line.contains(['\r', '\n'])));
    }
}
