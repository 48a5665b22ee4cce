//! What a seed makes of a round.

use std::time::Duration;

use anyhow::Context;
use fastrand::Rng;
use front_desk::Weekday;
use front_desk::business::Business;
use front_desk::zone::plus_days;
use local_providers::{FaultRule, Script, Service};
use serde_json::{Value, json};

use crate::door::Door;
use crate::headset::Loss;

/// What is said: first what is wanted, then three words that are the caller's own.
pub(super) const WORDS: [&str; 16] = [
    "hours", "story", "book", "amber", "birch", "cedar", "daisy", "ember", "fern", "grove",
    "hazel", "iris", "jade", "lemon", "maple", "olive",
];

/// How many of them say what is wanted.
const WANTS: usize = 3;

pub(super) const HOURS: &str = "We are open from nine to five.";
/// Long enough to be interrupted; each sentence is a piece, and has a tone of its own.
pub(super) const STORY: [&str; 2] = [
    "It all began many years ago when two dentists met at a lake in the mountains.",
    "They liked each other at once and opened a practice together before the summer was over.",
];
pub(super) const BOOKED: &str = "You are booked.";

/// One in so many of a service's connections is broken, by service.
pub(super) const BROKEN: [(Service, usize); 5] = [
    (Service::Listen, 5),
    (Service::Chat, 7),
    (Service::Speak, 6),
    (Service::SpeakRest, 6),
    (Service::Media, 20),
];

/// Connections of a service that each call may make, at most.
const CONNECTIONS: u64 = 12;

pub(super) struct Plan {
    pub(super) callers: Vec<Planned>,
    /// When the worker is killed, from the round's beginning.
    pub(super) kills: Vec<Duration>,
    pub(super) script: Script,
}

/// What a caller does.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) door: Door,
    /// When he calls, from the round's beginning.
    pub(super) after: Duration,
    pub(super) asks: Vec<Ask>,
    /// When his network goes, from the call's beginning, how, and for how long.
    pub(super) losses: Vec<(Duration, Loss, Duration)>,
    /// He is gone in the end without hanging up.
    pub(super) vanishes: bool,
}

#[derive(Debug)]
pub(super) struct Ask {
    pub(super) want: Want,
    pub(super) words: Vec<usize>,
    /// He does not wait for the end of what she says, but speaks so long after it began.
    pub(super) over: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Hours,
    Story,
    Book,
}

impl Ask {
    /// As it is written when it is heard.
    pub(super) fn text(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().map(|word| WORDS[*word])
    }
}

impl Plan {
    pub(super) fn of(seed: u64, calls: usize) -> anyhow::Result<Self> {
        let mut rng = Rng::with_seed(seed);
        let callers: Vec<Planned> = (0..calls).map(|n| planned(&mut rng, n)).collect();
        let kills = match rng.u32(0..10) {
            0..6 => vec![],
            6..9 => vec![rng.u64(4_000..16_000)],
            _ => vec![rng.u64(4_000..8_000), rng.u64(14_000..20_000)],
        };
        let mut faults = faults(&mut rng, calls as u64);
        if rng.bool() {
            faults.push(weather(&mut rng));
        }
        let script = json!({
            "replies": replies(&callers)?,
            "faults": faults,
            "settings": { "vocabulary": WORDS },
        });
        Ok(Self {
            callers,
            kills: kills.into_iter().map(Duration::from_millis).collect(),
            script: serde_json::from_value(script)?,
        })
    }

    /// How many of these connections were to break.
    pub(super) fn broken(&self, service: Service, connections: usize) -> usize {
        let broken = |rule: &&FaultRule| {
            rule.service == service && rule.nth.is_some_and(|nth| nth <= connections as u64)
        };
        self.script.faults.iter().filter(broken).count()
    }
}

fn planned(rng: &mut Rng, n: usize) -> Planned {
    let door = if rng.u32(0..5) < 2 {
        Door::Phone
    } else {
        Door::Browser
    };
    let own = WORDS.len() - WANTS;
    let name = [n / own / own, n / own, n].map(|digit| WANTS + digit % own);
    let mut wants = vec![Want::Hours, Want::Book];
    if rng.bool() {
        wants.push(Want::Story);
    }
    rng.shuffle(&mut wants);
    let mut asks: Vec<Ask> = Vec::new();
    for want in wants {
        let told_a_story = asks.last().is_some_and(|ask| ask.want == Want::Story);
        let over = told_a_story && rng.bool();
        asks.push(Ask {
            want,
            words: [want as usize].into_iter().chain(name).collect(),
            over: over.then(|| Duration::from_millis(rng.u64(600..4_000))),
        });
    }
    let losses = match door {
        Door::Browser if rng.u32(0..5) < 2 => vec![(
            Duration::from_millis(rng.u64(2_000..14_000)),
            if rng.bool() { Loss::Cut } else { Loss::Freeze },
            Duration::from_millis(rng.u64(300..9_000)),
        )],
        Door::Browser | Door::Phone => vec![],
    };
    Planned {
        door,
        after: Duration::from_millis(rng.u64(0..6_000)),
        asks,
        losses,
        vanishes: rng.u32(0..8) == 0,
    }
}

/// Every caller has a day of his own, so that nobody takes another's time.
fn replies(callers: &[Planned]) -> anyhow::Result<Vec<Value>> {
    let now = std::time::UNIX_EPOCH.elapsed().context("before 1970")?;
    let now = i64::try_from(now.as_millis())?;
    let today = Business::demo().zone.today(now);
    let days = (7..)
        .map(|ahead| plus_days(today, ahead))
        .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday));
    let bookings = callers.iter().zip(days).filter_map(|(caller, day)| {
        let ask = caller.asks.iter().find(|ask| ask.want == Want::Book)?;
        let words: Vec<&str> = ask.text().collect();
        Some(json!({
            "when": words.join(" "),
            "tool_call": { "name": "book_appointment", "arguments": {
                "service": "cleaning", "date": day.to_string(), "time": "10:00", "name": "Ann Lee", "phone": "+12025550148",
            } },
            "say": BOOKED,
        }))
    });
    let others = [("story", STORY.join(" ")), ("hours", HOURS.to_owned())];
    let others = others.map(|(when, say)| json!({ "when": when, "say": say }));
    Ok(bookings.chain(others).collect())
}

fn faults(rng: &mut Rng, calls: u64) -> Vec<Value> {
    let mut faults = Vec::new();
    for (service, one_in) in BROKEN {
        for nth in 1..=calls * CONNECTIONS {
            if rng.usize(0..one_in) == 0 {
                let mut fault = fault(rng, service);
                fault["service"] = json!(service);
                fault["nth"] = nth.into();
                faults.push(fault);
            }
        }
    }
    faults
}

/// A provider that takes nothing new for a while.
fn weather(rng: &mut Rng) -> Value {
    let (service, _) = BROKEN[rng.usize(0..BROKEN.len() - 1)];
    let from = rng.u64(2_000..14_000);
    json!({
        "service": service, "fault": "refuse", "status": 503,
        "from_ms": from, "until_ms": from + rng.u64(1_000..4_000),
    })
}

fn fault(rng: &mut Rng, service: Service) -> Value {
    let mut fault = match rng.u32(0..10) {
        0 => json!({ "fault": "hang" }),
        1 => json!({ "fault": "drop" }),
        2 => {
            json!({ "fault": "refuse", "status": rng.choice([404, 429, 498, 500, 503]).unwrap_or(500) })
        }
        3 => json!({ "fault": "delay", "ms": rng.u64(200..3_000) }),
        4 => json!({ "fault": "stall" }),
        5 => json!({ "fault": "drip" }),
        6 => json!({ "fault": "garbage" }),
        7 => json!({ "fault": "error" }),
        8 => json!({ "fault": "close" }),
        _ => json!({ "fault": "cut" }),
    };
    let is_early = ["hang", "drop", "refuse", "delay"].contains(&text(&fault));
    if is_early {
        return fault;
    }
    match (service, rng.u32(0..3)) {
        (Service::Media, _) => fault["after_ms"] = rng.u64(3_000..15_000).into(),
        (_, 0) => {}
        (Service::Chat, _) => fault["after_tokens"] = rng.u64(1..8).into(),
        (Service::Speak | Service::SpeakRest, 1) => {
            fault["after_sounds"] = rng.u64(1..30).into();
        }
        (Service::Speak, _) => {
            fault["after_kind"] = json!(rng.choice(["Speak", "Flush", "Clear"]));
        }
        (Service::Listen, 1) => {
            fault["after_kind"] = "Finalize".into();
            fault["after_messages"] = rng.u64(1..3).into();
        }
        _ => fault["after_ms"] = rng.u64(0..12_000).into(),
    }
    fault
}

fn text(fault: &Value) -> &str {
    fault["fault"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use local_providers::tone_of;

    use super::*;
    use crate::words::GREETING;

    #[test]
    fn a_seed_gives_the_same_plan_again_and_another_gives_another() {
        let written = |seed| {
            let plan = Plan::of(seed, 10).expect("a plan");
            let faults = serde_json::to_string(&plan.script.faults).expect("JSON");
            format!("{:?} {:?} {faults}", plan.callers, plan.kills)
        };
        assert_eq!(written(1), written(1));
        assert_ne!(written(1), written(2));
    }

    #[test]
    fn every_kind_of_fault_is_planned_for_every_provider() {
        let mut rng = Rng::with_seed(1);
        for (service, _) in BROKEN {
            let kinds: std::collections::BTreeSet<String> = (0..500)
                .map(|_| text(&fault(&mut rng, service)).to_owned())
                .collect();
            assert_eq!(kinds.len(), 10, "{service:?}: {kinds:?}");
        }
    }

    #[test]
    fn the_answers_sound_different() {
        let tones = [HOURS, STORY[0], STORY[1], BOOKED, GREETING].map(tone_of);
        for (n, tone) in tones.iter().enumerate() {
            assert!(!tones[..n].contains(tone), "{tones:?}");
        }
    }
}
