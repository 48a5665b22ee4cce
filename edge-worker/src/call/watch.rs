//! What the business's warden is told of a call: what it spends, and how its providers do. It says whether Safe Mode holds.
//!
//! One report at a time, beside the caller's path and never on it. One that was not answered is sent again as it was. The last of a call waits for
//! the one that is under way.

mod outbox;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use voice_core::conversation::Input;
use voice_core::time::Timestamp;
use worker::Env;

use self::outbox::Outbox;
use super::Facts;
use super::tally::Tally;
use crate::warden::{self, Report, Results, Spent, Terms, Tried};

/// How often at the least: an owner's switch is known in every call after this. A failure is told at once.
const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Watch {
    env: Env,
    terms: Terms,
    facts: Facts,
    outbox: Rc<RefCell<Outbox>>,
    /// What is new since the last report.
    next: Report,
    /// What the reports so far have told.
    told: Spent,
    told_at: Option<Timestamp>,
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
            outbox: Rc::default(),
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
    fn tell(&mut self, now: Timestamp, spent: Spent) {
        let outbox = Rc::clone(&self.outbox);
        let report = outbox.borrow_mut().open(|| self.take_next(spent));
        if let Some(report) = report {
            self.told_at = Some(now);
            self.send(report);
        }
    }

    /// Tells what has not been told of a call that is over.
    pub(super) fn close(&mut self, spent: Spent) {
        let last = self.take_next(spent);
        let is_news = last.spent != Spent::default() || last.results != Results::default();
        let next = self.outbox.borrow_mut().close(is_news.then_some(last));
        if let Some(report) = next {
            self.send(report);
        }
    }

    fn send(&self, report: Report) {
        let (env, terms) = (self.env.clone(), self.terms.clone());
        let (outbox, facts) = (Rc::clone(&self.outbox), self.facts.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let mut next = Some(report);
            while let Some(report) = next {
                let answer = warden::report(&env, &terms, &report).await;
                next = outbox.borrow_mut().done(answer.is_ok());
                match answer {
                    Ok(mode) => facts.tell(Input::SafeMode(mode.on)),
                    Err(error) => {
                        worker::console_warn!(
                            "call {}: no word of the warden: {error}",
                            report.call
                        );
                    }
                }
            }
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
