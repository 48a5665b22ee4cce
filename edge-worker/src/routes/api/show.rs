//! Records as the pages show them: with the business's own days, times and money.

use front_desk::business::Business;
use front_desk::{Date, say};

use super::types::{
    Booking, BookingDay, Call, Day, Message, Moment, Money, Site, ToolRun, Turn, Usage,
};
use crate::store::{booking, call, message, record, site};

/// Shows records of one business.
#[derive(Clone, Copy)]
pub(super) struct Show<'a>(pub(super) &'a Business);

impl Show<'_> {
    pub(super) fn site(self, site: &site::Site) -> Site {
        Site {
            id: self.0.id.clone(),
            name: self.0.name.clone(),
            zone: self.0.zone.name().to_owned(),
            currency: self.0.currency.code().to_owned(),
            demo: site.demo,
        }
    }

    pub(super) fn day(self, day: Date) -> Day {
        Day {
            day: day.to_string(),
            label: say::day(day),
        }
    }

    pub(super) fn moment(self, at: i64) -> Moment {
        let (day, time) = self.0.zone.local(at);
        Moment {
            at,
            day: day.to_string(),
            time: time.to_string(),
            label: say::day(day),
        }
    }

    pub(super) fn money(self, minor: i64) -> Money {
        Money {
            minor,
            amount: self.0.currency.amount(minor),
            currency: self.0.currency.code().to_owned(),
        }
    }

    pub(super) fn call(self, row: call::Call) -> Call {
        let length = |ended_at: i64| ended_at.saturating_sub(row.started_at).max(0);
        Call {
            id: row.id,
            door: row.door,
            caller: row.caller,
            name: row.name,
            started: self.moment(row.started_at),
            ended: row.ended_at.map(|at| self.moment(at)),
            length_ms: row.ended_at.map(length),
            outcome: row.outcome,
            turns: row.turns,
            replies: row.replies,
            fast_replies: row.fast_replies,
            interruptions: row.interruptions,
            median_ms: row.median_ms,
            p95_ms: row.p95_ms,
            booking: row.booking,
            bookings: row.bookings,
            messages: row.messages,
            revenue: self.money(row.revenue),
        }
    }

    pub(super) fn turn(self, row: call::Turn) -> Turn {
        Turn {
            turn: row.turn,
            ended: self.moment(row.ended_at),
            outcome: row.outcome,
            caller: row.caller_text,
            heard: row.agent_heard,
            unheard: row.agent_unheard,
            endpointing_ms: row.endpointing_ms,
            first_token_ms: row.first_token_ms,
            first_piece_ms: row.first_piece_ms,
            first_audio_ms: row.first_audio_ms,
            sent_ms: row.sent_ms,
            voice_to_voice_ms: row.voice_to_voice_ms,
            speculative_requests: row.speculative_requests,
            speculative_wasted: row.speculative_wasted,
        }
    }

    pub(super) fn tool_run(self, row: record::ToolRun) -> ToolRun {
        ToolRun {
            turn: row.turn,
            n: row.n,
            name: row.name,
            arguments: row.arguments,
            result: row.result,
            started: self.moment(row.started_at),
            took_ms: row.took_ms,
        }
    }

    pub(super) fn booking(self, row: booking::Booking) -> Booking {
        Booking {
            id: row.id,
            call: row.call_id,
            service: row.service,
            service_name: row.service_name,
            price: self.money(row.price),
            starts: self.moment(row.starts_at),
            ends: self.moment(row.ends_at),
            name: row.name,
            phone: row.phone,
            note: row.note,
            status: row.status,
            made: self.moment(row.made_at),
            changed: self.moment(row.changed_at),
            sequence: row.sequence,
        }
    }

    /// Bookings, which are in order, under the days on which they begin.
    pub(super) fn by_day(self, rows: Vec<booking::Booking>) -> Vec<BookingDay> {
        let mut days: Vec<BookingDay> = Vec::new();
        for row in rows {
            let day = self.day(self.0.zone.today(row.starts_at));
            let booking = self.booking(row);
            match days.last_mut() {
                Some(last) if last.day == day => last.bookings.push(booking),
                _ => days.push(BookingDay {
                    day,
                    bookings: vec![booking],
                }),
            }
        }
        days
    }

    pub(super) fn message(self, row: message::Message) -> Message {
        Message {
            id: row.id,
            call: row.call_id,
            taken: self.moment(row.taken_at),
            name: row.name,
            phone: row.phone,
            text: row.text,
            done: row.done_at.map(|at| self.moment(at)),
        }
    }
}

/// What was used, as the pages know it.
pub(super) fn usage(usage: record::Usage) -> Usage {
    Usage {
        recogniser_ms: usage.recogniser_ms,
        tokens_in: usage.tokens_in,
        tokens_out: usage.tokens_out,
        characters: usage.characters,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn row(id: &str, starts_at: i64) -> booking::Booking {
        booking::Booking {
            id: id.to_owned(),
            call_id: None,
            service: "cleaning".to_owned(),
            service_name: "cleaning".to_owned(),
            price: 90_50,
            starts_at,
            ends_at: starts_at + 45 * 60_000,
            name: "Ada Lovelace".to_owned(),
            phone: None,
            note: String::new(),
            status: booking::Status::Booked,
            made_at: 0,
            changed_at: 0,
            sequence: 0,
        }
    }

    /// 2026-11-24, 23:30 in New York.
    const LATE: i64 = 1_795_581_000_000;

    pub(crate) fn call(id: &str) -> call::Call {
        call::Call {
            id: id.to_owned(),
            door: record::Door::Phone,
            caller: Some("+12025550143".to_owned()),
            name: None,
            started_at: LATE,
            ended_at: Some(LATE + 61_500),
            outcome: Some("completed".to_owned()),
            turns: 4,
            replies: 3,
            fast_replies: 2,
            interruptions: 1,
            median_ms: Some(320),
            p95_ms: None,
            booking: Some("b".to_owned()),
            bookings: 1,
            messages: 0,
            revenue: 90_50,
            recogniser_ms: 1,
            tokens_in: 2,
            tokens_out: 3,
            characters: 4,
        }
    }

    #[test]
    fn a_day_is_the_businesss_own() {
        let business = Business::demo();
        let show = Show(&business);
        let moment = show.moment(LATE);
        assert_eq!(
            (moment.day.as_str(), moment.time.as_str()),
            ("2026-11-24", "23:30")
        );
        assert_eq!(moment.label, "Tuesday, November 24");
        let days = show.by_day(vec![
            row("a", LATE - 60_000),
            row("b", LATE),
            row("c", LATE + 30 * 60_000),
        ]);
        let shown: Vec<_> = days
            .iter()
            .map(|day| (day.day.day.as_str(), day.bookings.len()))
            .collect();
        assert_eq!(shown, [("2026-11-24", 2), ("2026-11-25", 1)]);
        assert_eq!(days[0].bookings[0].price.amount, "90.50");
    }
}
