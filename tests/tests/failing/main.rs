//! What a caller hears when a provider fails: every row of the design's table, and every way in which a connection can go wrong.

mod binding;
mod record;
mod rows;
mod table;

use std::time::Duration;

use anyhow::Context;
use local_providers::Providers;
use local_providers::phone::{Event, EventKind};
use serde_json::{Value, json};
use tests::edge::Edge;
use tests::phone::Phone;
use tests::track::Track;

const QUESTION: &str = "can I come on Monday";
const ANSWER: &str = "We can see you on Monday at ten.";
const THROUGH: &str = "One moment, I'll put you through.";
const OFFER: &str = "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and \
                     somebody will call you back.";
const APOLOGY: &str = "I'm sorry, I'm having trouble just now. Could you say that again?";

/// Far above what any of these calls takes.
const LONGEST: Duration = Duration::from_secs(25);

/// A silence that a caller takes for a broken line, in milliseconds.
const TOO_LONG: f64 = 4_000.0;

/// A script in which this goes wrong.
fn script(faults: &Value) -> anyhow::Result<local_providers::Script> {
    let script = json!({
        "utterances": [QUESTION],
        "replies": [{ "say": ANSWER }],
        "faults": faults,
    });
    Ok(serde_json::from_value(script)?)
}

/// What came of a question.
#[derive(Debug)]
struct Heard {
    /// Her voice from the caller's last sound on.
    her: Track,
    from_ms: f64,
    /// The call is over, and the telephone company has said why.
    is_over: bool,
}

impl Heard {
    fn has(&self, text: &str) -> bool {
        let expected = text.chars().count() as f64 * 60.0;
        self.her.tone_ms(text, self.from_ms, self.her.end_ms()) > expected / 2.0
    }

    /// How long she sounded.
    fn sounding_ms(&self) -> f64 {
        self.her.sounding_ms(self.from_ms, self.her.end_ms())
    }

    /// The longest silence before her last sound, and before the end if the call is over.
    fn longest_silence(&self) -> f64 {
        let end = self.her.end_ms();
        let Some(first) = self.her.first_sound(self.from_ms) else {
            return if self.is_over {
                end - self.from_ms
            } else {
                f64::INFINITY
            };
        };
        let last = self.her.last_sound(self.from_ms, end).unwrap_or(end);
        let rest = if self.is_over { end - last } else { 0.0 };
        let between = self.her.silences(first, end, 100.0);
        let between = between.iter().map(|(from, to)| to - from);
        between.fold((first - self.from_ms).max(rest), f64::max)
    }

    fn outcome(&self) -> &'static str {
        match () {
            () if self.has(THROUGH) => "put through",
            () if self.has(OFFER) => "Safe Mode",
            () if self.has(APOLOGY) => "apology",
            () if self.has(ANSWER) || self.sounding_ms() > 1_200.0 => "answer",
            () if self.is_over => "put down",
            () => "nothing",
        }
    }
}

fn is_over(phone: &Phone<'_>) -> bool {
    let ended =
        phone.all(|event: &Event| matches!(event.kind, EventKind::Ended { .. }).then_some(()));
    !ended.is_empty()
}

/// Calls, asks, and listens until she has answered or the call is over.
async fn ask(providers: &Providers, edge: &Edge) -> anyhow::Result<Heard> {
    let phone = Phone::call(providers, edge).await?;
    let began = async {
        while !is_over(&phone)
            && !phone
                .states()
                .iter()
                .any(|s| s.state == "Listening" && s.turn > 1)
        {
            phone.wait(20).await;
        }
    };
    tokio::time::timeout(LONGEST, began)
        .await
        .with_context(|| format!("no greeting: {:?}", phone.states()))?;
    if is_over(&phone) {
        let from_ms = 0.0;
        return Ok(heard(&phone, from_ms, true));
    }
    let known = phone.states().len();
    let said = phone.say(700);
    let answered = async {
        loop {
            let states = phone.states();
            let new = states.get(known..).unwrap_or_default();
            let speaks = new.iter().position(|s| s.state == "Speaking");
            let is_done =
                speaks.is_some_and(|at| new.iter().skip(at).any(|s| s.state == "Listening"));
            // What follows a piece that broke off is another turn.
            let goes_on = new.last().is_some_and(|s| s.state != "Listening");
            if is_over(&phone) || (is_done && !goes_on) {
                return;
            }
            phone.wait(20).await;
        }
    };
    // Whoever hears nothing at all is a finding, not a fault of the test.
    let _ = tokio::time::timeout(LONGEST, answered).await;
    let over = is_over(&phone);
    let heard = heard(&phone, said.to_ms, over);
    if !over {
        phone.hang_up().await?;
    }
    Ok(heard)
}

fn heard(phone: &Phone<'_>, from_ms: f64, is_over: bool) -> Heard {
    Heard {
        her: phone.her(),
        from_ms,
        is_over,
    }
}
