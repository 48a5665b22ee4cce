//! What must not be, whatever went wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ledger::{Ledger, text};
use super::plan::{BOOKED, STORY, Want};
use super::visit::Visit;
use super::{CLOSED_WITHIN, Tally};
use crate::figures::show;
use crate::track::Track;

/// What she says when words were lost.
const AGAIN: &str = "Could you say that again?";

/// A pause that is none: the codec's and the network's grain.
const BREATH: f64 = 100.0;

/// After more than this without a line some of what he said is lost with it: a browser keeps five seconds.
const KEPT: f64 = 4_000.0;

/// How many streams of a kind were open at a moment of the round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) at: Duration,
    pub(super) open: usize,
}

pub(super) struct Evidence<'a> {
    pub(super) visits: &'a [Visit<'a>],
    /// When the worker was killed, from the round's beginning.
    pub(super) killed: &'a [Duration],
    pub(super) ledger: &'a Ledger,
    pub(super) log: &'a [String],
    pub(super) looks: &'a [Look],
    /// How long a silence may be.
    pub(super) patience: Duration,
}

pub(super) fn judge(evidence: &Evidence<'_>, tally: &mut Tally) -> Vec<String> {
    let mut findings = Vec::new();
    findings.extend(records(evidence));
    findings.extend(streams(evidence));
    let panics = evidence.log.iter().filter(|line| {
        ["panicked at", "RuntimeError", "Uncaught"]
            .iter()
            .any(|word| line.contains(word))
    });
    findings.extend(panics.map(|line| format!("the worker: {line}")));
    for (n, visit) in evidence.visits.iter().enumerate() {
        let mut found = Vec::new();
        if let Some(why) = &visit.complaint {
            found.push(why.clone());
        }
        found.extend(silences(visit, evidence.patience, tally));
        found.extend(stale(visit, evidence));
        if let Some(id) = &visit.id {
            found.extend(words(visit, id, evidence));
            found.extend(bookings(visit, id, evidence, tally));
        }
        if !found.is_empty() {
            show(visit.timeline.join("\n   "));
        }
        let by = if visit.is_by_phone() {
            "phone"
        } else {
            "browser"
        };
        findings.extend(
            found
                .into_iter()
                .map(|finding| format!("caller {n} by {by}, {:?}: {finding}", visit.id)),
        );
    }
    findings
}

/// Every call has one record, and nobody else has.
fn records(evidence: &Evidence<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let known: BTreeSet<&str> = evidence
        .visits
        .iter()
        .filter_map(|v| v.id.as_deref())
        .collect();
    let recorded: Vec<&str> = evidence
        .ledger
        .calls
        .iter()
        .map(|c| text(c, "id"))
        .collect();
    let missing = known.iter().filter(|id| !recorded.contains(id));
    findings.extend(missing.map(|id| format!("the record of {id} is lost")));
    // Whoever was not let in may have been heard of.
    let refused: u32 = evidence.visits.iter().map(|visit| visit.refused).sum();
    let strange = recorded.iter().filter(|id| !known.contains(*id)).count();
    if strange > refused as usize {
        findings.push(format!("{strange} records of nobody"));
    }
    if evidence.ledger.counted != recorded.len() as i64 {
        findings.push(format!(
            "the days count {} calls, and {} are recorded",
            evidence.ledger.counted,
            recorded.len()
        ));
    }
    findings
}

/// Never more streams to the recogniser than calls, and none when they are over.
fn streams(evidence: &Evidence<'_>) -> Vec<String> {
    let live = |at: Duration| {
        let on = |visit: &&Visit<'_>| {
            visit.id.is_some()
                && visit.from.saturating_sub(CLOSED_WITHIN) <= at
                && at <= visit.to + CLOSED_WITHIN
        };
        evidence.visits.iter().filter(on).count()
    };
    let refused: u32 = evidence.visits.iter().map(|visit| visit.refused).sum();
    let worst = evidence
        .looks
        .iter()
        .filter(|look| look.open > live(look.at) + refused as usize)
        .max_by_key(|look| look.open);
    let finding = worst.map(|look| {
        format!(
            "{} streams are open at {:?}, and {} calls are on",
            look.open,
            look.at,
            live(look.at)
        )
    });
    finding.into_iter().collect()
}

/// Nobody who has a line waits in silence for longer than this.
fn silences(visit: &Visit<'_>, patience: Duration, tally: &mut Tally) -> Vec<String> {
    let mut findings = Vec::new();
    for asked in &visit.asked {
        let (from, silence) =
            longest_silence(&visit.her, asked.span.to_ms, asked.until, &visit.down);
        tally.longest_silence = tally.longest_silence.max(silence);
        if silence > patience.as_secs_f64() * 1e3 {
            findings.push(format!(
                "{:?}, said until {:.0} ms, is followed by {silence:.0} ms of silence from {from:.0} ms on",
                asked.want, asked.span.to_ms
            ));
        }
    }
    findings
}

/// The longest silence of a stretch, without the times when there was no line, and where it began.
fn longest_silence(her: &Track, from: f64, to: f64, down: &[(f64, f64)]) -> (f64, f64) {
    let mut silences = Vec::new();
    match her.first_sound(from).filter(|first| *first < to) {
        None => silences.push((from, to)),
        Some(first) => {
            let last = her.last_sound(from, to).unwrap_or(first);
            silences.push((from, first));
            silences.extend(her.silences(first, last, BREATH));
            silences.push((last, to));
        }
    }
    let mut longest = (from, 0.0);
    for (mut begun, end) in silences {
        let mut note = |from: f64, to: f64| {
            if to - from > longest.1 {
                longest = (from, to - from);
            }
        };
        for (lost, found) in down {
            if *found > begun && *lost < end {
                note(begun, *lost);
                begun = *found;
            }
        }
        note(begun, end);
    }
    longest
}

/// Nothing of an answer sounds once it was cut.
fn stale(visit: &Visit<'_>, evidence: &Evidence<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    if visit.stale > 0 {
        findings.push(format!("{} samples of a cut turn were played", visit.stale));
    }
    let turns = visit
        .id
        .as_ref()
        .and_then(|id| evidence.ledger.turns.get(id));
    let was_cut = turns.into_iter().flatten().any(|turn| {
        text(turn, "caller_text").to_lowercase().contains("story")
            && !text(turn, "agent_unheard").is_empty()
    });
    let over = visit.asked.iter().find(|asked| asked.is_over_her);
    if let (true, Some(over), false) = (was_cut, over, was_killed(visit, evidence)) {
        let from = over.span.to_ms;
        let end = visit.her.end_ms();
        let ms: f64 = STORY
            .iter()
            .map(|text| visit.her.tone_ms(text, from, end))
            .sum();
        if ms > BREATH {
            findings.push(format!("{ms:.0} ms of the story sound after it was cut"));
        }
    }
    findings
}

/// What was said is recorded once, in its order, and nothing else is.
fn words(visit: &Visit<'_>, id: &str, evidence: &Evidence<'_>) -> Vec<String> {
    let said: Vec<&str> = visit.asked.iter().flat_map(|a| a.text.clone()).collect();
    let turns = evidence.ledger.turns.get(id);
    let recorded: Vec<String> = turns
        .into_iter()
        .flatten()
        .flat_map(|turn| plain_words(text(turn, "caller_text")))
        .collect();
    let mut left = said.iter();
    let in_order = recorded.iter().all(|word| left.any(|said| said == word));
    let is_excused = was_killed(visit, evidence)
        || visit.was_over
        || asked_again(id, evidence)
        || visit.down.iter().any(|(from, to)| to - from > KEPT);
    let mut findings = Vec::new();
    if !in_order {
        findings.push(format!("said {said:?}, and recorded {recorded:?}"));
    } else if recorded.len() < said.len() && !is_excused {
        findings.push(format!("said {said:?}, and only {recorded:?} is recorded"));
    }
    findings
}

/// What was promised was done, once.
fn bookings(
    visit: &Visit<'_>,
    id: &str,
    evidence: &Evidence<'_>,
    tally: &mut Tally,
) -> Vec<String> {
    let made = evidence
        .ledger
        .bookings
        .iter()
        .filter(|booking| text(booking, "call_id") == id)
        .count();
    let asked = visit.asked.iter().any(|asked| asked.want == Want::Book);
    let runs = evidence.ledger.runs.get(id);
    let done = runs.into_iter().flatten().any(|run| {
        text(run, "name") == "book_appointment" && text(run, "result").contains("\"ok\":true")
    });
    let turns = evidence.ledger.turns.get(id);
    let promised = turns
        .into_iter()
        .flatten()
        .any(|turn| text(turn, "agent_heard").contains(BOOKED));
    tally.bookings += made;
    tally.asked_for += usize::from(asked);
    let mut findings = Vec::new();
    if made > 1 {
        findings.push(format!("{made} appointments"));
    }
    if made > 0 && !asked {
        findings.push("an appointment that nobody asked for".to_owned());
    }
    if made == 0 && (done || promised) {
        findings.push(format!(
            "no appointment; done: {done}, promised: {promised}"
        ));
    }
    findings
}

/// She has told the caller that something went wrong, and asked for it again.
fn asked_again(id: &str, evidence: &Evidence<'_>) -> bool {
    let turns = evidence.ledger.turns.get(id);
    let mut turns = turns.into_iter().flatten();
    turns.any(|turn| {
        text(turn, "agent_heard").contains(AGAIN) || text(turn, "agent_unheard").contains(AGAIN)
    })
}

fn was_killed(visit: &Visit<'_>, evidence: &Evidence<'_>) -> bool {
    let on = visit.from..=visit.to;
    evidence.killed.iter().any(|at| on.contains(at))
}

fn plain_words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use local_providers::phone::SpanOnTimeline;
    use serde_json::json;

    use super::*;
    use crate::chaos::plan::Plan;
    use crate::chaos::visit::Asked;

    /// A call in which all went well: one question, answered after 500 ms for two seconds.
    struct Case {
        plan: Plan,
        her: Vec<i16>,
        asked: Vec<Asked>,
        down: Vec<(f64, f64)>,
        stale: u64,
        killed: Vec<Duration>,
        log: Vec<String>,
        looks: Vec<Look>,
        ledger: Ledger,
    }

    impl Case {
        fn new() -> Self {
            let tone = |ms: usize| (0..ms * 8).map(|n| if n % 8 < 4 { 5_000 } else { -5_000 });
            let silence = |ms: usize| std::iter::repeat_n(0, ms * 8);
            let call = json!({ "id": "a" });
            let turn =
                json!({ "caller_text": "Book amber.", "agent_heard": BOOKED, "agent_unheard": "" });
            let run = json!({ "name": "book_appointment", "result": "{\"ok\":true}" });
            Self {
                plan: Plan::of(1, 1).expect("a plan"),
                her: silence(1_500)
                    .chain(tone(2_000))
                    .chain(silence(500))
                    .collect(),
                asked: vec![Asked {
                    want: Want::Book,
                    text: vec!["book", "amber"],
                    span: SpanOnTimeline {
                        from_ms: 200.0,
                        to_ms: 1_000.0,
                    },
                    answered: Some(1_500.0),
                    until: 4_000.0,
                    is_over_her: false,
                }],
                down: Vec::new(),
                stale: 0,
                killed: Vec::new(),
                log: Vec::new(),
                looks: vec![Look {
                    at: Duration::from_secs(1),
                    open: 1,
                }],
                ledger: Ledger {
                    calls: vec![call],
                    turns: [("a".to_owned(), vec![turn])].into(),
                    runs: [("a".to_owned(), vec![run])].into(),
                    bookings: vec![json!({ "call_id": "a" })],
                    counted: 1,
                },
            }
        }

        fn findings(&self) -> Vec<String> {
            let visits = [Visit {
                planned: &self.plan.callers[0],
                id: Some("a".to_owned()),
                refused: 0,
                asked: self.asked.clone(),
                her: Track::new(&self.her),
                down: self.down.clone(),
                stale: self.stale,
                from: Duration::ZERO,
                to: Duration::from_secs(4),
                timeline: Vec::new(),
                was_over: false,
                complaint: None,
            }];
            let evidence = Evidence {
                visits: &visits,
                killed: &self.killed,
                ledger: &self.ledger,
                log: &self.log,
                looks: &self.looks,
                patience: Duration::from_secs(4),
            };
            judge(&evidence, &mut Tally::default())
        }
    }

    fn changed(change: impl FnOnce(&mut Case)) -> Vec<String> {
        let mut case = Case::new();
        change(&mut case);
        case.findings()
    }

    #[test]
    fn nothing_is_found_where_all_went_well() {
        assert_eq!(Case::new().findings(), [""; 0]);
    }

    #[test]
    fn whatever_must_not_be_is_found() {
        type Change = fn(&mut Case);
        let cases: [(&str, Change); 12] = [
            ("is lost", |case| case.ledger.calls.clear()),
            ("records of nobody", |case| {
                case.ledger.calls.push(json!({ "id": "b" }));
                case.ledger.counted = 2;
            }),
            ("the days count 2", |case| case.ledger.counted = 2),
            ("streams are open", |case| case.looks[0].open = 2),
            ("panicked at", |case| {
                case.log.push("panicked at src/lib.rs".to_owned());
            }),
            ("4500 ms of silence", |case| {
                case.her.splice(0..0, std::iter::repeat_n(0, 4_000 * 8));
                case.asked[0].until = 8_000.0;
            }),
            ("ms of silence", |case| case.her.clear()),
            ("of a cut turn", |case| case.stale = 1),
            ("2 appointments", |case| {
                let twice = case.ledger.bookings[0].clone();
                case.ledger.bookings.push(twice);
            }),
            ("no appointment", |case| case.ledger.bookings.clear()),
            ("nobody asked for", |case| case.asked[0].want = Want::Hours),
            ("is recorded", |case| {
                case.asked[0].text.push("birch");
            }),
        ];
        for (expected, change) in cases {
            let mut change = Some(change);
            let findings = changed(|case| {
                if let Some(change) = change.take() {
                    change(case);
                }
                if expected == "ms of silence" {
                    case.asked[0].until = 5_100.0;
                }
            });
            assert!(
                findings.iter().any(|finding| finding.contains(expected)),
                "{expected}: {findings:?}"
            );
        }
    }

    #[test]
    fn a_word_that_is_recorded_twice_or_was_not_said_is_found() {
        for recorded in [
            "Book book amber.",
            "Book amber amber.",
            "Book cedar.",
            "Amber book.",
        ] {
            let findings = changed(|case| {
                case.ledger.turns = [(
                    "a".to_owned(),
                    vec![json!({ "caller_text": recorded, "agent_heard": BOOKED, "agent_unheard": "" })],
                )]
                .into();
            });
            assert_eq!(findings.len(), 1, "{recorded}: {findings:?}");
        }
    }

    #[test]
    fn words_may_be_lost_with_a_worker_or_a_long_lost_line_and_not_otherwise() {
        let half = |case: &mut Case| {
            case.ledger.turns = [(
                "a".to_owned(),
                vec![json!({ "caller_text": "Book.", "agent_heard": BOOKED, "agent_unheard": "" })],
            )]
            .into();
        };
        assert_eq!(changed(half).len(), 1);
        let killed = changed(|case| {
            half(case);
            case.killed.push(Duration::from_secs(2));
        });
        assert_eq!(killed, [""; 0]);
        let without_a_line = |ms: f64| {
            changed(|case| {
                half(case);
                case.down.push((100.0, 100.0 + ms));
            })
        };
        assert_eq!(without_a_line(1_000.0).len(), 1);
        assert_eq!(without_a_line(6_000.0), [""; 0]);
    }

    #[test]
    fn a_silence_without_a_line_is_nobodys_fault() {
        let her = Track::new(&[]);
        let silence = |down: &[(f64, f64)]| longest_silence(&her, 1_000.0, 8_000.0, down).1;
        assert_eq!(silence(&[]), 7_000.0);
        assert_eq!(silence(&[(2_000.0, 6_000.0)]), 2_000.0);
        assert_eq!(silence(&[(0.0, 3_000.0), (7_000.0, 9_000.0)]), 4_000.0);
        assert_eq!(silence(&[(9_000.0, 9_500.0)]), 7_000.0);
    }
}
