//! What a warden knows of its business, and what follows from it: no clock, no storage, no requests.

use front_desk::Date;
use front_desk::business::Limits;
use front_desk::zone::Zone;
use serde::{Deserialize, Serialize};

use super::breaker::Breaker;
use super::heard::{Heard, Last};
use super::{Cause, Holding, Report, Results, SafeMode, Spent, Terms};

const MINUTE_MS: u64 = 60_000;

/// All but the calls that reported is one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ward {
    /// Grows with each change of the mode, so that whoever is told can tell which is newer.
    n: u64,
    mode: SafeMode,
    /// The name of the owner who has switched Safe Mode on.
    switched_by: Option<String>,
    breakers: Breakers,
    today: Option<Today>,
    terms: Option<Terms>,
    #[serde(skip)]
    heard: Heard,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Breakers {
    recogniser: Breaker,
    model: Breaker,
    voice: Breaker,
}

/// What was spent on the day that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Today {
    day: Date,
    /// When it is over.
    until: i64,
    spent: Spent,
}

impl Ward {
    /// The same with the calls that reported.
    pub(super) fn remembering(self, heard: impl Iterator<Item = (String, Last)>) -> Self {
        Self {
            heard: Heard::of(heard),
            ..self
        }
    }

    pub(super) const fn mode(&self) -> &SafeMode {
        &self.mode
    }

    pub(super) const fn n(&self) -> u64 {
        self.n
    }

    /// Whose warden this is, once it knows.
    pub(super) fn site(&self) -> Option<&str> {
        self.terms.as_ref().map(|terms| terms.site.as_str())
    }

    /// When something ends by itself next.
    pub(super) fn due(&self) -> Option<i64> {
        let causes = self.mode.causes.iter();
        causes.filter_map(|holding| holding.until).min()
    }

    /// Lets end what is over.
    pub(super) fn settle(&mut self, now: i64) {
        for breaker in self.breakers.all() {
            breaker.settle(now);
        }
        let zone = self.terms.as_ref().map(|terms| terms.zone.clone());
        self.turn_page(&zone.unwrap_or_default(), now);
        self.conclude(now);
    }

    /// The same, by these terms unless newer ones are known.
    pub(super) fn agree(&mut self, terms: &Terms, now: i64) {
        // A clock that is ahead must not keep out what others read later.
        let read_at = terms.read_at.min(now);
        let known = self.terms.as_ref();
        if known.is_none_or(|known| known.read_at <= read_at) {
            self.terms = Some(Terms {
                read_at,
                ..terms.clone()
            });
        }
        self.settle(now);
    }

    /// Takes in what a call reports. Gives what is to be remembered of that call: nothing if the report is old.
    pub(super) fn hear(&mut self, report: &Report, terms: &Terms, now: i64) -> Option<Last> {
        self.agree(terms, now);
        if !self.heard.is_news(&report.call, report.n, now) {
            return None;
        }
        if let Some(today) = &mut self.today {
            today.spent = today.spent.and(report.spent);
        }
        let Results {
            recogniser,
            model,
            voice,
        } = report.results;
        self.breakers.recogniser.hear(recogniser, now);
        self.breakers.model.hear(model, now);
        self.breakers.voice.hear(voice, now);
        self.conclude(now);
        Some(Last {
            n: report.n,
            at: now,
        })
    }

    /// Calls whose reports need not be remembered any more.
    pub(super) fn forget(&mut self, now: i64) -> Vec<String> {
        self.heard.forget(now)
    }

    /// An owner switches Safe Mode on, or takes that back. Whoever was the first stays named.
    pub(super) fn switch(&mut self, by: Option<&str>, terms: &Terms, now: i64) {
        self.agree(terms, now);
        self.switched_by = by.map(|by| self.switched_by.take().unwrap_or_else(|| by.to_owned()));
        self.conclude(now);
    }

    /// Begins a new day when the old one is over, and when the business has moved to where it is another.
    fn turn_page(&mut self, zone: &Zone, now: i64) {
        let day = zone.today(now);
        let (_, until) = zone.day(day);
        let spent = match self.today {
            Some(today) if today.day == day => today.spent,
            _ => Spent::default(),
        };
        self.today = Some(Today { day, until, spent });
    }

    /// What follows from all that is known.
    fn conclude(&mut self, now: i64) {
        let causes: Vec<Holding> = self
            .causes()
            .map(|(cause, until)| Holding {
                cause,
                since: self.mode.held_since(cause).unwrap_or(now),
                until,
            })
            .collect();
        let mode = SafeMode {
            on: !causes.is_empty(),
            since: (!causes.is_empty()).then(|| self.mode.since.unwrap_or(now)),
            cause: causes.first().map(|holding| holding.cause),
            by: self.switched_by.clone(),
            until: last_end(&causes),
            causes,
        };
        if mode != self.mode {
            self.n = self.n.saturating_add(1);
            self.mode = mode;
        }
    }

    /// All that holds, in the order in which it is shown, and until when.
    fn causes(&self) -> impl Iterator<Item = (Cause, Option<i64>)> {
        let owner = self.switched_by.is_some().then_some((Cause::Owner, None));
        let Breakers {
            recogniser,
            model,
            voice,
        } = &self.breakers;
        let providers = [
            (Cause::Recogniser, recogniser),
            (Cause::Model, model),
            (Cause::Voice, voice),
        ];
        let open = providers
            .into_iter()
            .filter_map(|(cause, breaker)| Some((cause, Some(breaker.open_until()?))));
        owner.into_iter().chain(open).chain(self.reached())
    }

    /// The limits that are reached, until the day is over.
    fn reached(&self) -> impl Iterator<Item = (Cause, Option<i64>)> {
        let limits = self.terms.as_ref().map(|terms| terms.limits);
        let Limits {
            minutes_a_day,
            tokens_a_day,
        } = limits.unwrap_or_default();
        let minutes = minutes_a_day.map(|minutes| u64::from(minutes).saturating_mul(MINUTE_MS));
        let tokens = tokens_a_day.map(u64::from);
        self.today
            .into_iter()
            .flat_map(move |Today { until, spent, .. }| {
                [
                    (Cause::Minutes, minutes, spent.call_ms),
                    (Cause::Tokens, tokens, spent.tokens),
                ]
                .into_iter()
                .filter(|(_, limit, spent)| limit.is_some_and(|limit| limit <= *spent))
                .map(move |(cause, ..)| (cause, Some(until)))
            })
    }
}

/// When the last of them ends by itself; none if there is none, or one that does not.
fn last_end(causes: &[Holding]) -> Option<i64> {
    let ends: Option<Vec<i64>> = causes.iter().map(|holding| holding.until).collect();
    ends?.into_iter().max()
}

impl SafeMode {
    fn held_since(&self, cause: Cause) -> Option<i64> {
        let known = self.causes.iter().find(|known| known.cause == cause);
        known.map(|known| known.since)
    }
}

impl Breakers {
    const fn all(&mut self) -> [&mut Breaker; 3] {
        [&mut self.recogniser, &mut self.model, &mut self.voice]
    }
}

#[cfg(test)]
mod tests;
