//! Which of Flux's events a turn gives, and in which order: text before `StartOfTurn`, `EagerEndOfTurn` only when it
//! is asked for, `TurnResumed` only after that, `EndOfTurn` never without words.

use crate::backend::{Heard, Likelihood, Segment, Thresholds, Word};

/// The turn that goes on, or the silence before one.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) index: u64,
    /// Where the audio of this turn begins, in seconds.
    pub(crate) window_start: f64,
    /// Words of stretches that were fixed because they were long.
    fixed: Vec<Word>,
    words: Vec<Word>,
    likelihood: Likelihood,
    /// An update has shown words.
    shown: bool,
    pub(crate) started: bool,
    eager: bool,
    /// Since when there has been nothing but silence after a fixed stretch.
    quiet_from: Option<f64>,
}

/// The vendor's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    EagerEndOfTurn,
    EndOfTurn(Trigger),
    StartOfTurn,
    TurnResumed,
    Update,
}

/// What ended a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    Manual,
    Model,
    Timeout,
}

impl Event {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EagerEndOfTurn => "EagerEndOfTurn",
            Self::EndOfTurn(_) => "EndOfTurn",
            Self::StartOfTurn => "StartOfTurn",
            Self::TurnResumed => "TurnResumed",
            Self::Update => "Update",
        }
    }
}

impl Turn {
    /// The turn after this one, whose audio begins at `at`.
    pub(crate) fn next(&self, at: f64) -> Self {
        Self {
            index: self.index + 1,
            window_start: at,
            ..Self::default()
        }
    }

    /// All of its words so far.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        self.fixed.iter().chain(&self.words)
    }

    fn has_words(&self) -> bool {
        self.words().next().is_some()
    }

    /// What the vendor would call `end_of_turn_confidence`. The script says when a turn ends and not how sure that is,
    /// so there it is what the event needs.
    pub(crate) fn confidence(&self, event: Event, thresholds: Thresholds) -> f64 {
        let needed = match event {
            Event::EagerEndOfTurn => self.eager_confidence(thresholds),
            Event::EndOfTurn(Trigger::Model) => (thresholds.end + 1.0) / 2.0,
            Event::EndOfTurn(_) | Event::StartOfTurn | Event::TurnResumed | Event::Update => {
                if self.eager && event == Event::Update {
                    self.eager_confidence(thresholds)
                } else if self.has_words() {
                    SPEAKING
                } else {
                    SILENT
                }
            }
        };
        self.likelihood.map_or(needed, f64::from)
    }

    fn eager_confidence(&self, thresholds: Thresholds) -> f64 {
        (thresholds.eager.unwrap_or(thresholds.end) + thresholds.end) / 2.0
    }

    /// The event that is due because time has passed.
    pub(crate) fn tick(&mut self, now: f64, thresholds: Thresholds) -> Vec<Event> {
        if let Some(from) = self.quiet_from
            && now - from >= thresholds.timeout.as_secs_f64()
        {
            return self.end(Trigger::Timeout);
        }
        if self.shown && !self.started {
            return self.start();
        }
        self.shown = self.has_words();
        vec![Event::Update]
    }

    /// The events that follow from what the recogniser reports.
    pub(crate) fn on_heard(&mut self, heard: Heard, thresholds: Thresholds) -> Vec<Event> {
        match heard {
            Heard::SpeechStarted { .. } => {
                self.quiet_from = None;
                Vec::new()
            }
            Heard::Partial {
                segment,
                likelihood,
            } => {
                self.take(segment, likelihood);
                Vec::new()
            }
            Heard::LikelyOver {
                segment,
                likelihood,
            } => {
                self.take(segment, likelihood);
                if thresholds.eager.is_none() || self.eager || !self.has_words() {
                    return Vec::new();
                }
                let mut events = self.start();
                self.eager = true;
                events.push(Event::EagerEndOfTurn);
                events
            }
            Heard::Resumed => {
                self.likelihood = None;
                if std::mem::take(&mut self.eager) {
                    vec![Event::TurnResumed]
                } else {
                    Vec::new()
                }
            }
            Heard::Final {
                segment,
                over,
                speech_final,
                from_finalize,
                likelihood,
            } => {
                let end = segment.end;
                self.take(segment, likelihood);
                if over.is_none() {
                    self.fixed.append(&mut self.words);
                    self.quiet_from = Some(end);
                    return Vec::new();
                }
                self.end(match (from_finalize, speech_final) {
                    (true, _) => Trigger::Manual,
                    (false, true) => Trigger::Model,
                    (false, false) => Trigger::Timeout,
                })
            }
            Heard::NothingToFinalize => Vec::new(),
        }
    }

    fn take(&mut self, segment: Segment, likelihood: Likelihood) {
        (self.words, self.likelihood) = (segment.words, likelihood);
    }

    fn start(&mut self) -> Vec<Event> {
        if self.started {
            return Vec::new();
        }
        self.started = true;
        vec![Event::StartOfTurn]
    }

    /// A sound without words is no turn.
    fn end(&mut self, trigger: Trigger) -> Vec<Event> {
        if !self.has_words() {
            return Vec::new();
        }
        let mut events = self.start();
        events.push(Event::EndOfTurn(trigger));
        events
    }
}

// Seen on the wire, and not zero: in silence the number is high and means nothing.
const SILENT: f64 = 0.6152;
const SPEAKING: f64 = 0.0151;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const EAGER: Thresholds = Thresholds {
        eager: Some(0.4),
        end: 0.7,
        timeout: Duration::from_secs(3),
    };

    fn segment(text: &str) -> Segment {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Segment::spread(&words, 0.0, 1.0)
    }

    fn partial(text: &str) -> Heard {
        Heard::Partial {
            segment: segment(text),
            likelihood: None,
        }
    }

    fn likely(text: &str) -> Heard {
        Heard::LikelyOver {
            segment: segment(text),
            likelihood: None,
        }
    }

    fn last(text: &str, over: Option<f64>) -> Heard {
        Heard::Final {
            segment: segment(text),
            over,
            speech_final: true,
            from_finalize: false,
            likelihood: None,
        }
    }

    const END: Event = Event::EndOfTurn(Trigger::Model);

    #[test]
    fn an_update_shows_words_before_the_turn_starts() {
        let mut turn = Turn::default();
        assert_eq!(turn.tick(0.24, EAGER), [Event::Update]);
        assert!(turn.on_heard(partial("we"), EAGER).is_empty());
        assert_eq!(turn.tick(0.48, EAGER), [Event::Update]);
        assert!(!turn.started);
        assert_eq!(turn.tick(0.72, EAGER), [Event::StartOfTurn]);
        assert_eq!(turn.tick(0.96, EAGER), [Event::Update]);
    }

    #[test]
    fn a_short_turn_starts_with_its_end() {
        let mut turn = Turn::default();
        let eager = [Event::StartOfTurn, Event::EagerEndOfTurn];
        assert_eq!(turn.on_heard(likely("yes"), EAGER), eager);
        assert_eq!(turn.tick(0.24, EAGER), [Event::Update]);
        assert_eq!(turn.on_heard(last("yes", Some(0.4)), EAGER), [END]);
    }

    #[test]
    fn a_turn_resumes_only_after_it_was_likely_over() {
        let mut turn = Turn::default();
        assert!(turn.on_heard(Heard::Resumed, EAGER).is_empty());
        turn.on_heard(likely("my number is"), EAGER);
        assert_eq!(turn.on_heard(Heard::Resumed, EAGER), [Event::TurnResumed]);
        assert!(turn.on_heard(Heard::Resumed, EAGER).is_empty());
        let again = turn.on_heard(likely("my number is five"), EAGER);
        assert_eq!(again, [Event::EagerEndOfTurn]);
    }

    #[test]
    fn without_its_threshold_nothing_is_eager() {
        let plain = Thresholds {
            eager: None,
            ..EAGER
        };
        let mut turn = Turn::default();
        assert!(turn.on_heard(likely("yes"), plain).is_empty());
        assert!(turn.on_heard(Heard::Resumed, plain).is_empty());
        let events = turn.on_heard(last("yes please", Some(0.9)), plain);
        assert_eq!(events, [Event::StartOfTurn, END]);
    }

    #[test]
    fn a_noise_is_no_turn() {
        let mut turn = Turn::default();
        assert!(turn.on_heard(likely(""), EAGER).is_empty());
        assert!(turn.on_heard(last("", Some(0.3)), EAGER).is_empty());
        assert_eq!(turn.tick(0.24, EAGER), [Event::Update]);
    }

    #[test]
    fn a_long_turn_is_one_turn_and_ends_even_if_nothing_follows() {
        let mut turn = Turn::default();
        assert!(turn.on_heard(last("one two", None), EAGER).is_empty());
        turn.on_heard(partial("three"), EAGER);
        let text: Vec<&str> = turn.words().map(|word| word.text.as_str()).collect();
        assert_eq!(text, ["one", "two", "three"]);
        turn.tick(1.2, EAGER);
        turn.tick(1.44, EAGER);
        let ended = turn.tick(4.08, EAGER);
        assert_eq!(ended, [Event::EndOfTurn(Trigger::Timeout)]);
    }

    #[test]
    fn the_confidence_is_what_the_event_needs_or_what_was_judged() {
        let mut turn = Turn::default();
        turn.on_heard(likely("yes"), EAGER);
        assert!((turn.confidence(Event::EagerEndOfTurn, EAGER) - 0.55).abs() < 1e-9);
        assert!(turn.confidence(END, EAGER) > 0.7);
        turn.on_heard(
            Heard::Partial {
                segment: segment("yes"),
                likelihood: Some(0.25),
            },
            EAGER,
        );
        assert!((turn.confidence(Event::Update, EAGER) - 0.25).abs() < 1e-6);
    }
}
