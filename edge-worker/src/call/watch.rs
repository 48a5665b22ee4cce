//! What the business's warden is told of a call: what it spends, and how its providers do. It says whether Safe Mode holds.
//!
//! One report at a time, beside the caller's path and never on it. One that was not answered is sent again as it was.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use worker::Env;

use super::Facts;
use super::tally::Tally;
use crate::warden::{self, Report, Results, Spent, Terms, Tried};

/// How often at the least: an owner's switch is known in every call after this. A failure is told at once.
const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Watch {
    env: Env,
    terms: Terms,
    facts: Facts,
    under_way: Rc<UnderWay>,
    /// What is new since the last report.
    next: Report,
    /// What the reports so far have told.
    told: Spent,
    told_at: Option<Timestamp>,
}

#[derive(Default)]
struct UnderWay {
    is_busy: Cell<bool>,
    unanswered: RefCell<Option<Report>>,
}

/// How the three providers did.
pub(super) struct Tallies {
    pub(super) recogniser: Tally,
    pub(super) model: Tally,
    pub(super) voice: Tally,
}

impl Watch {
    /// Nothing is told yet. `n` is above every report that was made of the call before.
    pub(super) fn new(env: Env, terms: Terms, call: String, n: u32, facts: Facts) -> Self {
        Self {
            env,
            terms,
            facts,
            under_way: Rc::default(),
            next: Report {
                call,
                n,
                ..Report::default()
            },
            told: Spent::default(),
            told_at: None,
        }
    }

    /// Tells what is new if it is time; `spent` is that of the call so far.
    pub(super) fn look(&mut self, now: Timestamp, spent: Spent, tallies: &Tallies) {
        let results = &mut self.next.results;
        add(&mut results.recogniser, tallies.recogniser);
        add(&mut results.model, tallies.model);
        add(&mut results.voice, tallies.voice);
        let is_due = self.told_at.is_none_or(|at| now.since(at) >= EVERY);
        if is_due || has_failures(&self.next.results) {
            self.tell(now, spent);
        }
    }

    /// Tells what is new, unless a report is under way: then the next one tells it too.
    pub(super) fn tell(&mut self, now: Timestamp, spent: Spent) {
        if self.under_way.is_busy.replace(true) {
            return;
        }
        self.told_at = Some(now);
        let again = self.under_way.unanswered.take();
        let report = again.unwrap_or_else(|| self.take_next(spent));
        let (env, terms) = (self.env.clone(), self.terms.clone());
        let (under_way, facts) = (Rc::clone(&self.under_way), self.facts.clone());
        wasm_bindgen_futures::spawn_local(async move {
            match warden::report(&env, &terms, &report).await {
                Ok(mode) => facts.tell(Input::SafeMode(mode.on)),
                Err(error) => {
                    worker::console_warn!("call {}: no word of the warden: {error}", report.call);
                    under_way.unanswered.replace(Some(report));
                }
            }
            under_way.is_busy.set(false);
        });
    }

    fn take_next(&mut self, spent: Spent) -> Report {
        let told = std::mem::replace(&mut self.told, spent);
        self.next.n = self.next.n.saturating_add(1);
        let report = Report {
            spent: Spent {
                call_ms: spent.call_ms.saturating_sub(told.call_ms),
                tokens: spent.tokens.saturating_sub(told.tokens),
            },
            ..self.next.clone()
        };
        self.next.results = Results::default();
        report
    }
}

fn add(tried: &mut Tried, tally: Tally) {
    let Tally { ok, failed } = tally;
    *tried = tried.and(Tried { ok, failed });
}

const fn has_failures(results: &Results) -> bool {
    results.recogniser.failed > 0 || results.model.failed > 0 || results.voice.failed > 0
}
