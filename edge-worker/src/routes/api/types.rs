//! What the API takes and gives, as JSON. The pages' scripts are checked against `www/dashboard/api.d.ts`, which is made from these
//! types; a test fails when it differs.
//!
//! Everything is ready to be shown: an instant comes with its day and time on the business's own clocks, an amount with its digits. A
//! share is between 0 and 1; a duration has its unit in its name.

use front_desk::business::Business;
use serde::Serialize;

use crate::store::booking::Status;
use crate::store::record::Door;

#[cfg(test)]
mod described;

/// `GET /api/sites`: those that exist come before those that are made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Sites {
    pub(crate) sites: Vec<SiteEntry>,
}

/// A business to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct SiteEntry {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Made up, with all its records.
    pub(crate) demo: bool,
}

/// The business that an answer is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The name in the IANA database of the zone in which all days and times are.
    pub(crate) zone: String,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Made up, with all its records.
    pub(crate) demo: bool,
}

/// A day of the business's calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Day {
    /// `2026-11-24`
    pub(crate) day: String,
    /// `Tuesday, November 24`
    pub(crate) label: String,
}

/// An instant, and what the business's own clocks show at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Moment {
    /// UTC, in milliseconds since 1970.
    pub(crate) at: i64,
    /// `2026-11-24`
    pub(crate) day: String,
    /// `14:30`
    pub(crate) time: String,
    /// `Tuesday, November 24`
    pub(crate) label: String,
}

/// An amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Money {
    /// In the currency's minor unit.
    pub(crate) minor: i64,
    /// In the currency's major unit, as it is written: `60`, `60.50`.
    pub(crate) amount: String,
    /// ISO 4217.
    pub(crate) currency: String,
}

/// What the providers were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Usage {
    /// Sound that was sent to be understood.
    pub(crate) recogniser_ms: i64,
    pub(crate) tokens_in: i64,
    pub(crate) tokens_out: i64,
    /// Given to the voice.
    pub(crate) characters: i64,
}

/// `GET /api/metrics`
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Metrics {
    pub(crate) site: Site,
    /// Both counted, as everywhere.
    pub(crate) from: Day,
    pub(crate) to: Day,
    /// The range of the same length before it.
    pub(crate) previous_from: Day,
    pub(crate) previous_to: Day,
    pub(crate) current: Figures,
    pub(crate) previous: Figures,
    pub(crate) change: Change,
    pub(crate) step: Step,
    /// Every day or week of the range, in order.
    pub(crate) series: Vec<Point>,
}

/// What happened in a range of days.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Figures {
    pub(crate) calls: i64,
    pub(crate) phone_calls: i64,
    pub(crate) call_ms: i64,
    pub(crate) turns: i64,
    /// Made in calls, and not cancelled since.
    pub(crate) bookings: i64,
    pub(crate) revenue: Money,
    pub(crate) staff_bookings: i64,
    pub(crate) staff_revenue: Money,
    pub(crate) messages: i64,
    /// Turns whose time from the caller's voice to hers was measured.
    pub(crate) replies: i64,
    /// Of those, the share that took less than half a second. Null without any.
    pub(crate) fast_share: Option<f64>,
    pub(crate) median_ms: Option<u32>,
    pub(crate) p95_ms: Option<u32>,
    pub(crate) interruptions: i64,
    /// Of turns. Null without any.
    pub(crate) interruption_share: Option<f64>,
    pub(crate) usage: Usage,
}

/// How figures differ from the previous range's. Null where the previous range has nothing to compare with.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Change {
    /// Relative: 0.25 is a quarter more.
    pub(crate) calls: Option<f64>,
    pub(crate) bookings: Option<f64>,
    pub(crate) revenue: Option<f64>,
    pub(crate) messages: Option<f64>,
    /// Differences of shares and of milliseconds.
    pub(crate) fast_share: Option<f64>,
    pub(crate) median_ms: Option<i64>,
    pub(crate) p95_ms: Option<i64>,
    pub(crate) interruption_share: Option<f64>,
}

/// How long the parts of a series are. A week begins on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Day,
    Week,
}

/// One part of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Point {
    /// The day, or the week's Monday.
    pub(crate) start: Day,
    pub(crate) calls: i64,
    pub(crate) bookings: i64,
    pub(crate) revenue: Money,
    pub(crate) replies: i64,
    pub(crate) fast_share: Option<f64>,
    pub(crate) median_ms: Option<u32>,
    pub(crate) p95_ms: Option<u32>,
    pub(crate) interruption_share: Option<f64>,
}

/// `GET /api/calls`
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Calls {
    pub(crate) site: Site,
    /// The latest first.
    pub(crate) calls: Vec<Call>,
    /// The cursor of the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// A call that is over. Says nothing of what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Call {
    pub(crate) id: String,
    #[cfg_attr(test, ts(type = "\"browser\" | \"phone\""))]
    pub(crate) door: Door,
    /// The number of a caller by telephone.
    pub(crate) caller: Option<String>,
    /// As given for a booking or a message.
    pub(crate) name: Option<String>,
    pub(crate) started: Moment,
    pub(crate) ended: Option<Moment>,
    pub(crate) length_ms: Option<i64>,
    /// How it ended: `completed`, `hung_up`, ….
    pub(crate) outcome: Option<String>,
    pub(crate) turns: u32,
    pub(crate) replies: u32,
    pub(crate) fast_replies: u32,
    pub(crate) interruptions: u32,
    /// From the caller's voice to hers.
    pub(crate) median_ms: Option<u32>,
    pub(crate) p95_ms: Option<u32>,
    /// The id of the last booking that was made in it.
    pub(crate) booking: Option<String>,
    pub(crate) bookings: u32,
    pub(crate) messages: u32,
    /// Prices of its bookings that stand.
    pub(crate) revenue: Money,
}

/// `GET /api/calls/{id}`
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct CallDetail {
    pub(crate) site: Site,
    pub(crate) call: Call,
    pub(crate) usage: Usage,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tool_runs: Vec<ToolRun>,
    pub(crate) bookings: Vec<Booking>,
    pub(crate) messages: Vec<Message>,
}

/// One turn of a call. Stages overlap, and are null where they were not reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Turn {
    pub(crate) turn: u32,
    pub(crate) ended: Moment,
    pub(crate) outcome: String,
    /// Empty for a turn that she began.
    pub(crate) caller: String,
    /// What she said and the caller could hear.
    pub(crate) heard: String,
    /// What was cut off.
    pub(crate) unheard: String,
    pub(crate) endpointing_ms: Option<u32>,
    pub(crate) first_token_ms: Option<u32>,
    pub(crate) first_piece_ms: Option<u32>,
    pub(crate) first_audio_ms: Option<u32>,
    pub(crate) sent_ms: Option<u32>,
    pub(crate) voice_to_voice_ms: Option<u32>,
    pub(crate) speculative_requests: u32,
    pub(crate) speculative_wasted: u32,
}

/// A tool that was run in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct ToolRun {
    pub(crate) turn: u32,
    pub(crate) n: u32,
    pub(crate) name: String,
    /// As the model gave them, whatever that was.
    pub(crate) arguments: String,
    /// As the model was told; null if it did not finish in the call's time.
    pub(crate) result: Option<String>,
    pub(crate) started: Moment,
    pub(crate) took_ms: Option<u32>,
}

/// `GET /api/bookings`
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Bookings {
    pub(crate) site: Site,
    pub(crate) from: Day,
    pub(crate) to: Day,
    /// Days on which something begins, in order.
    pub(crate) days: Vec<BookingDay>,
    /// The cursor of the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// What begins on a day, in order; cancelled bookings too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct BookingDay {
    pub(crate) day: Day,
    pub(crate) bookings: Vec<Booking>,
}

/// An appointment as it was agreed: `POST /api/bookings`, `POST /api/bookings/{id}/cancel` and `…/restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Booking {
    pub(crate) id: String,
    /// The call in which it was made; null for the staff's own.
    pub(crate) call: Option<String>,
    pub(crate) service: String,
    pub(crate) service_name: String,
    pub(crate) price: Money,
    pub(crate) starts: Moment,
    pub(crate) ends: Moment,
    /// Empty once the caller's data was deleted.
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
    pub(crate) note: String,
    #[cfg_attr(test, ts(type = "\"booked\" | \"cancelled\""))]
    pub(crate) status: Status,
    pub(crate) made: Moment,
    pub(crate) changed: Moment,
    /// How often it was changed.
    pub(crate) sequence: u32,
}

/// `GET /api/messages`
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Messages {
    pub(crate) site: Site,
    /// The latest first.
    pub(crate) messages: Vec<Message>,
    /// The cursor of the next page; null on the last.
    pub(crate) next: Option<String>,
}

/// What a caller wants to be told to the business: `POST /api/messages/{id}/done` and `…/undone`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Message {
    pub(crate) id: String,
    /// The call in which it was left.
    pub(crate) call: String,
    pub(crate) taken: Moment,
    /// Empty: not given.
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
    pub(crate) text: String,
    /// Null until somebody has seen to it.
    pub(crate) done: Option<Moment>,
}

/// `GET /api/settings` and what `PUT /api/settings` gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Settings {
    pub(crate) site: Site,
    /// To be given back with a save.
    pub(crate) version: i64,
    #[cfg_attr(test, ts(type = "Business"))]
    pub(crate) business: Business,
    /// Days that calls, messages and past bookings are kept. Null: for ever.
    pub(crate) retention_days: Option<u32>,
    /// Digits of the currency's minor unit.
    pub(crate) minor_digits: u8,
}

/// `GET /api/calendar` and `POST /api/calendar/renew`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Calendar {
    /// Whoever has it can read the bookings.
    pub(crate) url: String,
}

/// `DELETE /api/callers/{number}`: how much was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Erased {
    pub(crate) calls: u32,
    pub(crate) messages: u32,
    /// Kept for the figures, without name, number and note; those to come are cancelled.
    pub(crate) bookings: u32,
}
