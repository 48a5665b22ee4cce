//! Appointments: which may be made, moved or cancelled, and by whom.
//!
//! These are decisions on what is known at one moment. That two callers cannot take the same time is for whoever stores
//! a [`NewBooking`] to make sure of, in one atomic step; the one who comes second is answered by [`taken`].

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::availability::{self, Wanted, end_of, offer};
use crate::business::{Business, Service};
use crate::hours::TimeOfDay;
use crate::text::{Name, Phone};
use crate::when::When;

mod own;
mod refusal;

pub use own::{find_own, same_caller};
pub use refusal::{Reason, Refusal};

/// Whether an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Booked,
    Cancelled,
}

impl Status {
    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Booked, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An appointment as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    pub id: String,
    /// [`Service::id`]; it may have been given up since.
    pub service: String,
    /// What the service was called, and cost, when this was made.
    pub service_name: String,
    pub price: i64,
    pub starts_at: i64,
    pub ends_at: i64,
    pub name: Name,
    pub phone: Option<Phone>,
    pub status: Status,
    pub created_at: i64,
    /// When it was made, moved or cancelled last.
    pub changed_at: i64,
    /// How often it has been moved or cancelled.
    pub sequence: u32,
}

/// What somebody asks to book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// [`Service::id`].
    pub service: String,
    pub date: Date,
    pub time: TimeOfDay,
    pub name: Name,
    pub phone: Option<Phone>,
}

/// An appointment that may be made, if its time is still free when it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBooking {
    pub service: String,
    pub service_name: String,
    pub price: i64,
    pub starts_at: i64,
    pub ends_at: i64,
    pub name: Name,
    pub phone: Option<Phone>,
}

/// Which appointment of a caller's is to be moved or cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub name: Name,
    /// What the caller gave. Without it, the number that calls.
    pub phone: Option<Phone>,
    /// When it is, as far as the caller told.
    pub current: When,
}

/// Free times of a day, a few of them to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub service: String,
    pub date: Date,
    pub slots: Vec<i64>,
    /// Whether these are what was asked for; otherwise they are the nearest to it.
    pub as_wanted: bool,
}

/// A few free times for a service, on a day or as soon as there are any.
pub fn check(
    business: &Business,
    service: &str,
    date: Option<Date>,
    wanted: Option<Wanted>,
    busy: &[(i64, i64)],
    now: i64,
) -> Result<Free, Refusal> {
    let service = service_of(business, service)?;
    let day = date.unwrap_or_else(|| business.zone.today(now));
    if !availability::is_within_horizon(business, day, now) {
        let reason = if day < business.zone.today(now) {
            Reason::Past
        } else {
            Reason::TooFar
        };
        return Err(Refusal::on_day(reason, business, service, day, busy, now));
    }
    let found = match date {
        Some(date) => Some((
            date,
            availability::free_starts(business, service, date, busy, now),
        )),
        None => availability::next_free(business, service, day, busy, now),
    };
    let Some((date, starts)) = found.filter(|(_, starts)| !starts.is_empty()) else {
        let closed = business.hours.open_on(day).is_empty() && date.is_some();
        let reason = if closed {
            Reason::ClosedDay
        } else {
            Reason::FullyBooked
        };
        return Err(Refusal::on_day(reason, business, service, day, busy, now));
    };
    let zone = &business.zone;
    let exact = match wanted {
        Some(Wanted::Time(time)) => zone
            .instant(date, time)
            .filter(|start| starts.contains(start)),
        _ => None,
    };
    let as_wanted = match wanted {
        Some(Wanted::Time(_)) => exact.is_some(),
        Some(Wanted::Part(part)) => starts
            .iter()
            .any(|start| availability::is_in(zone, *start, part)),
        None => true,
    };
    let slots = exact.map_or_else(
        || offer(zone, &starts, wanted, OFFERED),
        |start| vec![start],
    );
    Ok(Free {
        service: service.name.clone(),
        date,
        slots,
        as_wanted,
    })
}

/// Whether an appointment can be made as asked.
pub fn decide_booking(
    business: &Business,
    request: &Request,
    busy: &[(i64, i64)],
    now: i64,
) -> Result<NewBooking, Refusal> {
    let service = service_of(business, &request.service)?;
    let start = decide_start(business, service, request.date, request.time, busy, now)?;
    Ok(NewBooking {
        service: service.id.clone(),
        service_name: service.name.clone(),
        price: service.price,
        starts_at: start,
        ends_at: end_of(start, service),
        name: request.name.clone(),
        phone: request.phone.clone(),
    })
}

/// Whether a booking can be moved to another time, and to which instants. `busy` may hold the booking itself.
pub fn decide_move(
    business: &Business,
    booking: &Booking,
    date: Option<Date>,
    time: TimeOfDay,
    busy: &[(i64, i64)],
    now: i64,
) -> Result<(i64, i64), Refusal> {
    let service = service_of(business, &booking.service)?;
    let own = (booking.starts_at, booking.ends_at);
    let mut others = busy.to_vec();
    if let Some(index) = others.iter().position(|span| *span == own) {
        others.swap_remove(index);
    }
    let date = date.unwrap_or_else(|| business.zone.today(booking.starts_at));
    let start = decide_start(business, service, date, time, &others, now)?;
    Ok((start, end_of(start, service)))
}

/// For one whose time was taken by another while it was being stored. `busy` knows of the other.
#[must_use]
pub fn taken(
    business: &Business,
    service: &str,
    date: Date,
    time: TimeOfDay,
    busy: &[(i64, i64)],
    now: i64,
) -> Refusal {
    match service_of(business, service) {
        Ok(service) => Refusal::at_time(Reason::Taken, business, service, date, time, busy, now),
        Err(refusal) => refusal,
    }
}

/// The instants whose bookings decide about a day: it, and the days that may be offered instead.
#[must_use]
pub fn span(business: &Business, date: Option<Date>, now: i64) -> (i64, i64) {
    let today = business.zone.today(now);
    let day = date
        .unwrap_or(today)
        .clamp(today, availability::last_day(business, now).max(today));
    availability::span(&business.zone, day)
}

fn decide_start(
    business: &Business,
    service: &Service,
    date: Date,
    time: TimeOfDay,
    busy: &[(i64, i64)],
    now: i64,
) -> Result<i64, Refusal> {
    let refuse = |reason| Refusal::at_time(reason, business, service, date, time, busy, now);
    let today = business.zone.today(now);
    if date < today {
        return Err(refuse(Reason::Past));
    }
    if date > availability::last_day(business, now) {
        return Err(refuse(Reason::TooFar));
    }
    let open = business.hours.open_on(date);
    if open.is_empty() {
        return Err(refuse(Reason::ClosedDay));
    }
    let start = business
        .zone
        .instant(date, time)
        .ok_or_else(|| refuse(Reason::NoSuchTime))?;
    let (earliest, _) = availability::bounds(business, now);
    if start <= now {
        return Err(refuse(Reason::Past));
    }
    if !open.iter().any(|open| (open.from..open.to).contains(&time)) {
        return Err(refuse(Reason::ClosedHour));
    }
    if start < earliest {
        return Err(refuse(Reason::TooSoon));
    }
    let end = end_of(start, service);
    if busy.iter().any(|span| start < span.1 && span.0 < end) {
        return Err(refuse(Reason::Taken));
    }
    if availability::free_starts(business, service, date, busy, now).contains(&start) {
        return Ok(start);
    }
    // On the grid or not, it must be over when the business closes.
    let fits = open
        .iter()
        .filter(|open| open.from <= time)
        .filter_map(|open| business.zone.no_later_than(date, open.to))
        .any(|closing| end <= closing);
    Err(refuse(if fits {
        Reason::OffGrid
    } else {
        Reason::ClosedHour
    }))
}

fn service_of<'a>(business: &'a Business, id: &str) -> Result<&'a Service, Refusal> {
    business
        .service(id)
        .ok_or_else(|| Refusal::no_service(business))
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A list longer than this is not remembered by ear.
pub const OFFERED: usize = 3;

#[cfg(test)]
mod tests;
