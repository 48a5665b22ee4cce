//! Made-up records for trying the pages: a business of its own, marked as such, so that none of it is ever counted among what happened.
//!
//! The same moment gives the same records. Nothing here reads a clock or a source of chance.

use front_desk::booking as domain;
use front_desk::business::Business;
use front_desk::hours::TimeOfDay;
use front_desk::text::Name;
use front_desk::zone::plus_days;
use serde_json::Value as Json;
use voice_core::latency::{TurnOutcome, TurnReport};
use voice_core::turn::TurnId;

use super::booking::{self, NewBooking, Request};
use super::message::{self, NewMessage};
use super::record::{CallRecord, Door, ToolRun, TurnRecord, Usage, writing};
use super::site::{self, NewSite};
use super::{Database, Query, StoreError};

/// The made-up business.
pub const SITE: &str = "sample";

/// Fills the made-up business with some weeks of calls up to `now`; what was there before is replaced. `calendar_token` is random.
pub async fn fill(db: &impl Database, calendar_token: &str, now: i64) -> Result<(), StoreError> {
    clear(db).await?;
    let mut business = Business::demo();
    business.id = SITE.to_owned();
    business.name = format!("{} (sample data)", business.name);
    let new = NewSite {
        calendar_token,
        demo: true,
        now,
    };
    site::create(db, &business, &new).await?;
    let days: Vec<i32> = (0..DAYS).rev().collect();
    for month in days.chunks(DAYS_AT_ONCE) {
        let mut made = Made::default();
        for days_ago in month {
            made.add_day(&business, *days_ago, now);
        }
        db.batch(made.writing()?).await?;
    }
    Ok(())
}

/// Removes every made-up business with all that belongs to it.
pub async fn clear(db: &impl Database) -> Result<(), StoreError> {
    db.batch(CLEAR.map(Query::new).into()).await.map(drop)
}

/// What happened on some days.
#[derive(Default)]
struct Made {
    bookings: Vec<Json>,
    cancellations: Vec<Query>,
    messages: Vec<Json>,
    calls: Vec<CallRecord>,
}

impl Made {
    /// A statement for all of a kind: a row costs less than a statement.
    fn writing(self) -> Result<Vec<Query>, StoreError> {
        let mut batch = vec![booking::insert(&self.bookings)];
        batch.extend(self.cancellations);
        batch.push(message::insert(&self.messages));
        batch.extend(writing(&self.calls)?);
        Ok(batch)
    }

    fn add_day(&mut self, business: &Business, days_ago: i32, now: i64) {
        let today = business.zone.today(now);
        let date = plus_days(today, 0_i32.saturating_sub(days_ago));
        let mut chance = Chance::of(date.to_string().bytes());
        let weekend = business.hours.of(date.weekday()).is_empty();
        let count = if weekend { 2 } else { 9 }.min(CALLS_A_DAY);
        for n in 0..count {
            // From eight in the morning, one after the other.
            let minutes = n.saturating_mul(58).saturating_add(chance.below(50));
            let at = at_minute(business, date, minutes.saturating_add(8 * 60));
            if let Some(started_at) = at.filter(|at| *at < now.saturating_sub(CALL_MS)) {
                self.add_call(business, date, n, started_at, &mut chance);
            }
        }
    }

    fn add_call(
        &mut self,
        business: &Business,
        date: front_desk::Date,
        n: u32,
        started_at: i64,
        chance: &mut Chance,
    ) {
        let id = format!("{SITE}-{}-{n:02}", date.to_string().replace('-', ""));
        let today = date.to_string();
        let phone = (chance.below(5) < 3)
            .then(|| format!("+1202555{:04}", 100_u32.saturating_add(chance.below(100))));
        let name = *chance.one_of(&NAMES).unwrap_or(&"");
        let wish = chance.below(10);
        let service = chance.one_of(&business.services).cloned();
        let key = format!("{id}/2/0");
        let request = Request {
            key: &key,
            call: Some(&id),
            now: started_at.saturating_add(CALL_MS / 2),
            today: &today,
        };
        let mut script: Vec<(String, String)> =
            vec![(String::new(), business.agent.greeting.clone())];
        let mut runs = Vec::new();
        match (wish, service) {
            (0..4, Some(service)) => {
                // A week ahead, each call of a day at its own hour, so that none is booked over another.
                let ahead = plus_days(date, 7);
                let hour = at_minute(business, ahead, n.saturating_add(9).saturating_mul(60));
                let is_open = !business.hours.of(ahead.weekday()).is_empty() && n < 8;
                script.push((
                    format!("I'd like to book a {} next week.", service.name),
                    "I have a time next week. May I have your name?".to_owned(),
                ));
                if let (Some(starts_at), true, Ok(caller)) = (hour, is_open, Name::parse(name)) {
                    let length = i64::from(service.minutes).saturating_mul(60_000);
                    let decided = domain::NewBooking {
                        service: service.id.clone(),
                        service_name: service.name.clone(),
                        price: service.price,
                        starts_at,
                        ends_at: starts_at.saturating_add(length),
                        name: caller,
                        phone: phone.clone().and_then(|phone| phone.try_into().ok()),
                    };
                    let booking_id = format!("{id}-b");
                    let new = NewBooking::of(&booking_id, &business.id, &decided);
                    self.bookings.push(booking::row(&request, &new));
                    if chance.below(8) == 0 {
                        self.cancellations.push(booking::cancelling(
                            &business.id,
                            &booking_id,
                            request.now,
                        ));
                    }
                    runs.push(run("book_appointment", started_at, r#"{"ok":true}"#));
                    script.push((
                        format!("It's {name}."),
                        format!("You are booked, {name}. See you next week."),
                    ));
                }
            }
            (4, _) => {
                let text = *chance.one_of(&MESSAGES).unwrap_or(&"");
                let message_id = format!("{id}-m");
                let new = NewMessage {
                    id: &message_id,
                    site: &business.id,
                    call: &id,
                    name,
                    phone: phone.as_deref(),
                    text,
                };
                self.messages.push(message::row(&request, &new));
                runs.push(run("take_message", started_at, r#"{"ok":true}"#));
                script.push((
                    text.to_owned(),
                    "I'll pass that on. Anything else?".to_owned(),
                ));
            }
            _ => {
                let (question, answer) = *chance.one_of(&QUESTIONS).unwrap_or(&("", ""));
                script.push((question.to_owned(), answer.to_owned()));
            }
        }
        script.push((
            "No, that's all. Thank you.".to_owned(),
            "Thank you for calling. Goodbye!".to_owned(),
        ));
        let turns: Vec<TurnRecord> = (1_u32..)
            .zip(script)
            .map(|(number, (caller, reply))| turn(number, started_at, caller, reply, chance))
            .collect();
        let length = i64::try_from(turns.len())
            .unwrap_or_default()
            .saturating_mul(TURN_MS);
        let said: usize = turns.iter().map(|turn| turn.heard.len()).sum();
        self.calls.push(CallRecord {
            id,
            site: business.id.clone(),
            door: if phone.is_some() {
                Door::Phone
            } else {
                Door::Browser
            },
            caller: phone,
            started_at,
            ended_at: started_at.saturating_add(length),
            outcome: if chance.below(3) == 0 {
                "hung_up"
            } else {
                "completed"
            }
            .to_owned(),
            day: today,
            tool_runs: runs,
            usage: Usage {
                recogniser_ms: length,
                tokens_in: length / 30,
                tokens_out: i64::try_from(said / 4).unwrap_or_default(),
                characters: i64::try_from(said).unwrap_or_default(),
            },
            turns,
        });
    }
}

fn turn(
    number: u32,
    started_at: i64,
    caller: String,
    reply: String,
    chance: &mut Chance,
) -> TurnRecord {
    let cut = number > 1 && chance.below(9) == 0;
    let (heard, unheard) = match reply.split_once(". ").filter(|_| cut) {
        Some((heard, unheard)) => (format!("{heard}."), unheard.to_owned()),
        None => (reply, String::new()),
    };
    let stage = |base: u32, chance: &mut Chance| Some(base.saturating_add(chance.below(base)));
    let asked = number > 1;
    let endpointing_ms = stage(110, chance).filter(|_| asked);
    let first_token_ms = stage(70, chance).filter(|_| asked);
    let first_piece_ms = stage(15, chance).filter(|_| asked);
    let first_audio_ms = stage(70, chance);
    let stages = [
        endpointing_ms,
        first_token_ms,
        first_piece_ms,
        first_audio_ms,
    ];
    let sent: u32 = stages.into_iter().flatten().fold(0, u32::saturating_add);
    TurnRecord {
        ended_at: started_at.saturating_add(i64::from(number).saturating_mul(TURN_MS)),
        caller,
        report: TurnReport {
            turn: TurnId::from_wire(number),
            outcome: if unheard.is_empty() {
                TurnOutcome::Completed
            } else {
                TurnOutcome::Interrupted
            },
            endpointing_ms,
            first_token_ms,
            first_piece_ms,
            first_audio_ms,
            sent_ms: asked.then_some(sent),
            voice_to_voice_ms: asked.then(|| sent.saturating_add(60)),
            speculative_requests: chance.below(2),
            speculative_wasted: 0,
        },
        heard,
        unheard,
    }
}

fn run(name: &str, started_at: i64, result: &str) -> ToolRun {
    ToolRun {
        turn: 3,
        n: 0,
        name: name.to_owned(),
        arguments: "{}".to_owned(),
        result: Some(result.to_owned()),
        started_at: started_at.saturating_add(TURN_MS.saturating_mul(2)),
        took_ms: Some(9),
    }
}

fn at_minute(business: &Business, date: front_desk::Date, minutes: u32) -> Option<i64> {
    let minutes = u16::try_from(minutes).ok()?;
    business
        .zone
        .instant(date, TimeOfDay::new(minutes / 60, minutes % 60)?)
}

/// Numbers that look thrown, from a seed (a linear congruential generator with Knuth's constants).
struct Chance(u64);

impl Chance {
    fn of(seed: impl Iterator<Item = u8>) -> Self {
        Self(seed.fold(1, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        }))
    }

    fn below(&mut self, end: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let thrown = u32::try_from(self.0 >> 33).unwrap_or_default();
        thrown.checked_rem(end).unwrap_or_default()
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let index = self.below(u32::try_from(of.len()).unwrap_or_default());
        of.get(usize::try_from(index).ok()?)
    }
}

/// Weeks enough for a month and the one before it.
const DAYS: i32 = 62;

/// Each batch costs a round and a commit. Of the 2 MB that D1 takes as one value, a month's turns are less than a quarter.
const DAYS_AT_ONCE: usize = 31;

/// So many calls an hour apart fit between eight and the evening.
const CALLS_A_DAY: u32 = 11;

const TURN_MS: i64 = 9_000;
const CALL_MS: i64 = 5 * TURN_MS;

const NAMES: [&str; 8] = [
    "Ada Lovelace",
    "Alan Turing",
    "Grace Hopper",
    "Edsger Dijkstra",
    "Barbara Liskov",
    "Claude Shannon",
    "Hedy Lamarr",
    "Donald Knuth",
];

const MESSAGES: [&str; 3] = [
    "Please tell the doctor that the tooth is better.",
    "Could somebody call me back about my bill?",
    "I left my umbrella in the waiting room.",
];

const QUESTIONS: [(&str, &str); 4] = [
    (
        "When are you open?",
        "We are open Monday to Friday. From nine to five.",
    ),
    (
        "How much is a check-up?",
        "A check-up is sixty dollars. It takes half an hour.",
    ),
    (
        "Is there parking?",
        "Yes. There is free parking behind the building.",
    ),
    ("Where are you?", "At 12 Willow Lane. Next to the library."),
];

/// Those that belong to a site by a foreign key go with it.
const CLEAR: [&str; 3] = [
    "DELETE FROM calls WHERE site IN (SELECT id FROM sites WHERE demo = 1)",
    "DELETE FROM days WHERE site IN (SELECT id FROM sites WHERE demo = 1)",
    "DELETE FROM sites WHERE demo = 1",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::figures::{self, Days, Step};
    use crate::store::record::deliver;
    use crate::store::record::tests::record;
    use crate::store::sqlite::{NOW, Sqlite, now};

    const TABLES: [&str; 9] = [
        "sites",
        "services",
        "hours",
        "calls",
        "turns",
        "tool_runs",
        "bookings",
        "messages",
        "days",
    ];

    fn counts(db: &Sqlite) -> Vec<i64> {
        let count = |table: &&str| db.number(&format!("SELECT count(*) FROM {table}"));
        TABLES.iter().map(count).collect()
    }

    #[test]
    fn what_is_made_up_comes_and_goes_whole() {
        let db = Sqlite::with_practice();
        now(deliver(&db, &record("real", NOW, vec![]))).unwrap();
        let before = counts(&db);
        now(fill(&db, "sample-token", NOW)).unwrap();
        let filled = counts(&db);
        for (table, (before, filled)) in TABLES.iter().zip(before.iter().zip(&filled)) {
            assert!(filled > before, "{table}");
        }
        let marked = now(site::list(&db)).unwrap();
        let marked: Vec<(&str, bool)> = marked
            .iter()
            .map(|entry| (entry.id.as_str(), entry.demo))
            .collect();
        assert_eq!(marked, [("demo-dental", false), (SITE, true)]);

        now(fill(&db, "sample-token", NOW)).unwrap();
        assert_eq!(counts(&db), filled, "the same moment, the same records");
        now(clear(&db)).unwrap();
        assert_eq!(counts(&db), before);
    }

    #[test]
    fn it_is_what_a_page_wants_to_show() {
        let db = Sqlite::empty();
        now(fill(&db, "sample-token", NOW)).unwrap();
        let today = Business::demo().zone.today(NOW);
        let month = Days {
            first: plus_days(today, -29),
            last: today,
        };
        let before = Days {
            first: plus_days(today, -59),
            last: plus_days(today, -30),
        };
        let report = now(figures::report(&db, SITE, (month, before), Step::Day)).unwrap();
        for figures in [report.figures, report.previous] {
            let tally = figures.tally;
            assert!(
                tally.calls > 100 && tally.bookings > 20 && tally.revenue > 0 && tally.messages > 5,
                "{tally:?}"
            );
            assert!(
                tally.interruptions > 0 && tally.fast_replies < tally.replies,
                "{tally:?}"
            );
            assert!(figures.median_ms < Some(500) && figures.p95_ms > figures.median_ms);
        }
        let to_come =
            format!("SELECT count(*) FROM bookings WHERE starts_at > {NOW} AND status = 'booked'");
        assert!(db.number(&to_come) > 3);
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM calls WHERE ended_at > {NOW}"
            )),
            0
        );
    }
}
