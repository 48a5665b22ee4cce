//! Why an appointment cannot be, and what could be instead.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::OFFERED;
use crate::availability::{self, Wanted, next_free, offer};
use crate::business::{Business, Service};
use crate::hours::TimeOfDay;
use crate::say;

/// A closed list, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    ClosedDay,
    ClosedHour,
    FullyBooked,
    /// The clocks jump over that time.
    NoSuchTime,
    /// No appointment of this name and number.
    NotFound,
    NoService,
    /// Between two possible starts.
    OffGrid,
    Past,
    /// Without a number nobody's appointment is touched.
    PhoneMissing,
    /// The caller has several; which one is not clear.
    Several,
    Taken,
    TooFar,
    TooSoon,
}

impl Reason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClosedDay => "closed_day",
            Self::ClosedHour => "closed_hour",
            Self::FullyBooked => "fully_booked",
            Self::NoSuchTime => "no_such_time",
            Self::NotFound => "not_found",
            Self::NoService => "no_service",
            Self::OffGrid => "off_grid",
            Self::Past => "past",
            Self::PhoneMissing => "phone_missing",
            Self::Several => "several",
            Self::Taken => "taken",
            Self::TooFar => "too_far",
            Self::TooSoon => "too_soon",
        }
    }
}

/// A no, with its reason in words and with the nearest free times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    /// For the model, short enough to be said.
    pub say: String,
    /// The day of the slots: that which was asked for, or the next with any free.
    pub date: Option<Date>,
    pub slots: Vec<i64>,
}

impl Refusal {
    pub(super) fn plain(reason: Reason, say: impl Into<String>) -> Self {
        Self {
            reason,
            say: say.into(),
            date: None,
            slots: Vec::new(),
        }
    }

    pub(super) fn no_service(business: &Business) -> Self {
        let names: Vec<String> = business
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
        Self::plain(
            Reason::NoService,
            format!(
                "That is not offered. There is {}.",
                say::list(&names, "and")
            ),
        )
    }

    /// For a day on which nothing can be had.
    pub(super) fn on_day(
        reason: Reason,
        business: &Business,
        service: &Service,
        date: Date,
        busy: &[(i64, i64)],
        now: i64,
    ) -> Self {
        Self::with_slots(reason, business, service, (date, None), busy, now)
    }

    /// For a time that cannot be had.
    pub(super) fn at_time(
        reason: Reason,
        business: &Business,
        service: &Service,
        date: Date,
        time: TimeOfDay,
        busy: &[(i64, i64)],
        now: i64,
    ) -> Self {
        Self::with_slots(reason, business, service, (date, Some(time)), busy, now)
    }

    fn with_slots(
        reason: Reason,
        business: &Business,
        service: &Service,
        (date, time): (Date, Option<TimeOfDay>),
        busy: &[(i64, i64)],
        now: i64,
    ) -> Self {
        let zone = &business.zone;
        let wanted = time.map(Wanted::Time);
        let today = zone.today(now);
        let (found, starts) = match reason {
            // Who wants a day in half a year is not helped by one of the next weeks.
            Reason::TooFar => (date, Vec::new()),
            _ => next_free(business, service, date.max(today), busy, now)
                .unwrap_or((date, Vec::new())),
        };
        let slots = offer(zone, &starts, wanted, OFFERED);
        Self {
            reason,
            say: words(reason, business, service, date, now),
            date: (!slots.is_empty()).then_some(found),
            slots,
        }
    }
}

fn words(reason: Reason, business: &Business, service: &Service, date: Date, now: i64) -> String {
    let day = say::day(date);
    match reason {
        Reason::ClosedDay => match business
            .hours
            .exception(date)
            .map(|exception| exception.reason.as_str())
        {
            Some(why) if !why.is_empty() => format!("Closed on {day}: {why}."),
            _ => format!("Closed on {day}."),
        },
        Reason::ClosedHour => format!(
            "Open {} on {day}, and a {} takes {}.",
            say::intervals(&business.hours.open_on(date)),
            service.name,
            say::duration(service.minutes)
        ),
        Reason::FullyBooked => format!("Nothing is free on {day}."),
        Reason::NoSuchTime => "The clocks change then; there is no such time.".to_owned(),
        Reason::OffGrid => format!(
            "Appointments begin every {}.",
            say::duration(business.policies.step_minutes)
        ),
        Reason::Past => "That is in the past.".to_owned(),
        Reason::Taken => "That time is taken.".to_owned(),
        Reason::TooFar => format!(
            "Bookings are taken until {} only.",
            say::day(availability::last_day(business, now))
        ),
        Reason::TooSoon => format!(
            "It has to be at least {} from now.",
            say::long_duration(business.policies.lead_minutes)
        ),
        Reason::NotFound | Reason::NoService | Reason::PhoneMissing | Reason::Several => {
            String::new()
        }
    }
}
