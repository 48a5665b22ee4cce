//! A caller who does what was planned for him, and what he noticed.

use std::time::Duration;

use local_providers::Providers;
use local_providers::phone::{EventKind, SpanOnTimeline, voice};
use tokio::time::{Instant, sleep, sleep_until};
use voice_core::wire::RESUME_WITHIN;

use super::plan::{Planned, Want};
use crate::door::{Door, Guest};
use crate::edge::Edge;
use crate::track::Track;

/// How often a caller looks up.
const MOMENT: Duration = Duration::from_millis(100);

/// Nobody waits longer for an answer to end, or for the floor.
const LONGEST_WAIT: Duration = Duration::from_secs(25);

/// She has stopped speaking when she has been silent for so long and listens, in milliseconds.
const STOPPED: f64 = 500.0;

/// Whoever does not get through calls again.
const CALLS_AGAIN: u32 = 30;

/// What became of a caller.
pub(super) struct Visit<'p> {
    pub(super) planned: &'p Planned,
    /// What the call is called; none if he never got through.
    pub(super) id: Option<String>,
    /// Attempts that came to nothing.
    pub(super) refused: u32,
    pub(super) asked: Vec<Asked>,
    pub(super) her: Track,
    /// When the call had no line, in its own milliseconds.
    pub(super) down: Vec<(f64, f64)>,
    /// Samples played of a turn that had been cut.
    pub(super) stale: u64,
    /// When it began, and when it was over for everybody, from the round's beginning.
    pub(super) from: Duration,
    pub(super) to: Duration,
    /// What happened when, for whoever looks into a finding.
    pub(super) timeline: Vec<String>,
    /// It was over before he ended it.
    pub(super) was_over: bool,
    /// Why he gave up, if he had to.
    pub(super) complaint: Option<String>,
}

/// Something he said.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) want: Want,
    pub(super) text: Vec<&'static str>,
    pub(super) span: SpanOnTimeline,
    /// Her first sound after it.
    pub(super) answered: Option<f64>,
    /// Until then he waited and listened.
    pub(super) until: f64,
    /// He said it while she spoke.
    pub(super) is_over_her: bool,
}

pub(super) async fn visit<'p>(
    planned: &'p Planned,
    providers: &Providers,
    edge: &Edge,
    began: Instant,
) -> Visit<'p> {
    sleep_until(began + planned.after).await;
    let mut visit = Visit {
        planned,
        id: None,
        refused: 0,
        asked: Vec::new(),
        her: Track::new(&[]),
        down: Vec::new(),
        stale: 0,
        from: began.elapsed(),
        to: began.elapsed(),
        timeline: Vec::new(),
        was_over: false,
        complaint: None,
    };
    let guest = loop {
        match Guest::call(planned.door, providers, edge, Duration::ZERO).await {
            Ok(guest) => break guest,
            Err(error) if visit.refused == CALLS_AGAIN => {
                visit.complaint = Some(format!("{error:#}"));
                return visit;
            }
            Err(_) => visit.refused += 1,
        }
        sleep(Duration::from_millis(500)).await;
    };
    visit.from = began.elapsed();
    tokio::select! {
        () = talk(&guest, planned, &mut visit.asked) => {}
        () = lose_network(&guest, planned) => {}
    }
    visit.id = guest.id();
    visit.her = guest.her();
    visit.was_over = is_over(&guest);
    if !visit.was_over && !planned.vanishes {
        // Fails only if the call has ended in this very moment.
        let _ = guest.hang_up().await;
    }
    visit.to = began.elapsed();
    visit.timeline = timeline(&guest, &visit.asked);
    if let Some(visitor) = guest.visitor() {
        visit.down = visitor.down();
        visit.stale = visitor.stale();
        if !is_over(&guest) {
            visit.to += RESUME_WITHIN;
        }
    }
    visit
}

async fn talk(guest: &Guest<'_>, planned: &Planned, asked: &mut Vec<Asked>) {
    settled(guest, 0.0).await;
    let mut asks = planned.asks.iter().peekable();
    while let Some(ask) = asks.next() {
        if is_over(guest) {
            return;
        }
        let Ok(span) = guest.sound(voice::words(&ask.words)).await else {
            return;
        };
        let next_over = asks.peek().and_then(|next| next.over);
        let answered = first_sound(guest, span.to_ms).await;
        let until = match (answered, next_over) {
            (Some(at), Some(after)) => {
                sleep(after).await;
                at
            }
            _ => {
                settled(guest, span.to_ms).await;
                guest.elapsed_ms()
            }
        };
        asked.push(Asked {
            want: ask.want,
            text: ask.text().collect(),
            span,
            answered,
            until,
            is_over_her: ask.over.is_some(),
        });
    }
}

/// Never ends: it is given up with the call.
async fn lose_network(guest: &Guest<'_>, planned: &Planned) {
    for (at, loss, span) in &planned.losses {
        let wait = at.as_secs_f64() * 1e3 - guest.elapsed_ms();
        sleep(Duration::from_secs_f64(wait.max(0.0) / 1e3)).await;
        if let Some(visitor) = guest.visitor() {
            visitor.lose_network(*loss, *span);
        }
    }
    std::future::pending().await
}

/// Her first sound after this moment, if there is one while he waits.
async fn first_sound(guest: &Guest<'_>, from_ms: f64) -> Option<f64> {
    let give_up = Instant::now() + LONGEST_WAIT;
    loop {
        let sound = guest.sounded_since(from_ms).map(|(first, _)| first);
        if sound.is_some() || is_over(guest) || Instant::now() > give_up {
            return sound;
        }
        sleep(MOMENT).await;
    }
}

/// Waits until she has spoken after this moment, has stopped, and listens.
async fn settled(guest: &Guest<'_>, from_ms: f64) {
    let give_up = Instant::now() + LONGEST_WAIT;
    while !is_over(guest) && Instant::now() < give_up {
        let now = guest.elapsed_ms();
        let sounded = guest.sounded_since(from_ms);
        let has_stopped = sounded.is_some_and(|(_, last)| now - last > STOPPED);
        let listens = guest
            .states()
            .last()
            .is_some_and(|last| last.state == "Listening");
        if has_stopped && listens {
            return;
        }
        sleep(MOMENT).await;
    }
}

fn is_over(guest: &Guest<'_>) -> bool {
    match guest.phone() {
        Some(phone) => {
            let over = |kind: &EventKind| matches!(kind, EventKind::Ended { .. });
            !phone
                .all(|event| over(&event.kind).then_some(()))
                .is_empty()
        }
        None => guest.visitor().is_none_or(crate::visitor::Visitor::is_over),
    }
}

fn timeline(guest: &Guest<'_>, asked: &[Asked]) -> Vec<String> {
    let said = asked.iter().map(|asked| {
        let line = format!("says {:?} until {:.0}", asked.want, asked.span.to_ms);
        (asked.span.from_ms, line)
    });
    let mut lines: Vec<(f64, String)> = said.collect();
    if let Some(visitor) = guest.visitor() {
        let told = visitor.told().into_iter();
        lines.extend(told.map(|(at, told)| (at, format!("{told:?}"))));
        let down = visitor.down().into_iter();
        lines.extend(down.map(|(from, to)| (from, format!("no line until {to:.0}"))));
    }
    if let Some(phone) = guest.phone() {
        let moments = phone.line.timeline().into_iter();
        lines.extend(moments.map(|moment| (moment.at_ms, moment.text)));
    }
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    let line = |(at, line): (f64, String)| format!("{at:8.0} {line}");
    lines.into_iter().map(line).collect()
}

impl Visit<'_> {
    pub(super) fn is_by_phone(&self) -> bool {
        self.planned.door == Door::Phone
    }
}
