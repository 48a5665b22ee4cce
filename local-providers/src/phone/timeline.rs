//! A call told to people: what happened when, without the fifty messages of sound a second.

use serde::{Deserialize, Serialize};

use super::event::{Event, EventKind, Played, millis};

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since the webhook request.
    pub at_ms: f64,
    pub text: String,
}

/// The story of a call: its events, and in place of the messages of sound when her voice began and ended.
pub(crate) fn of(events: &[Event], played: &[Played]) -> Vec<Moment> {
    let mut moments: Vec<Moment> = Vec::new();
    for event in events {
        let at_ms = match event.kind {
            EventKind::Media { .. } => continue,
            EventKind::Said { from_ms, .. } => from_ms,
            _ => event.at_ms,
        };
        let text = event.kind.to_string();
        moments.push(Moment { at_ms, text });
    }
    let mut begun: Option<f64> = None;
    let mut ends = 0.0;
    for stretch in played {
        if let Some(from) = begun.filter(|_| stretch.dry_ms > 0.0) {
            moments.extend(spell(from, ends));
            begun = None;
        }
        begun.get_or_insert(stretch.from_ms);
        ends = stretch.from_ms + millis(stretch.samples);
    }
    if let Some(from) = begun {
        moments.extend(spell(from, ends));
    }
    moments.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
    moments
}

/// Sound without a gap.
fn spell(from_ms: f64, to_ms: f64) -> [Moment; 2] {
    let length = to_ms - from_ms;
    [
        (from_ms, "her sound begins".to_owned()),
        (to_ms, format!("her sound ends after {length:.0} ms")),
    ]
    .map(|(at_ms, text)| Moment { at_ms, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_told_by_its_ends() {
        let event = |at_ms: f64, kind: EventKind| Event { at_ms, kind };
        let media = |message: u64| EventKind::Media {
            message,
            samples: 160,
            buffered_ms: 20.0,
        };
        let events = [
            event(10.0, media(1)),
            event(12.0, media(2)),
            event(
                15.0,
                EventKind::Said {
                    from_ms: 40.0,
                    to_ms: 140.0,
                },
            ),
            event(30.0, EventKind::ClearReceived { discarded: 160 }),
            event(90.0, media(3)),
        ];
        let played = |from_ms: f64, message: u64, dry_ms: f64| Played {
            from_ms,
            samples: 160,
            message,
            dry_ms,
        };
        let played = [
            played(10.0, 1, 0.0),
            played(30.0, 2, 0.0),
            played(90.0, 3, 40.0),
        ];
        let told: Vec<String> = of(&events, &played)
            .into_iter()
            .map(|moment| format!("{:.0} {}", moment.at_ms, moment.text))
            .collect();
        assert_eq!(
            told,
            [
                "10 her sound begins",
                "30 clear: 20 ms unplayed",
                "40 caller speaks for 100 ms",
                "50 her sound ends after 40 ms",
                "90 her sound begins",
                "110 her sound ends after 20 ms",
            ]
        );
    }
}
