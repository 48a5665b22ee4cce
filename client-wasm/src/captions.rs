//! The words on the page: hers appear as they sound, not as they arrive, and those that were cut before they sounded
//! never look as if she had said them.

use std::collections::VecDeque;

use voice_core::turn::{TurnGate, TurnId};
use voice_core::wire::Speaker;

/// One line as it should read now; a newer one with the same speaker and turn replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) speaker: Speaker,
    pub(crate) turn: TurnId,
    pub(crate) text: String,
    /// Words that were shown and then cut off; they follow `text`.
    pub(crate) cut: String,
    pub(crate) is_final: bool,
}

/// What the page shows, and what waits to be heard.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    over: TurnGate,
    waiting: VecDeque<Waiting>,
    agent: Option<Draft>,
    played: (TurnId, u64),
}

#[derive(Debug)]
struct Waiting {
    turn: TurnId,
    at: u64,
    text: String,
    is_final: bool,
}

#[derive(Debug)]
struct Draft {
    turn: TurnId,
    settled: String,
}

impl Captions {
    /// Words of the caller, as recognised: all of the turn so far, so that each text replaces the one before, final or not.
    pub(crate) const fn caller(turn: TurnId, text: String, is_final: bool) -> Line {
        Line {
            speaker: Speaker::Caller,
            turn,
            text,
            cut: String::new(),
            is_final,
        }
    }

    /// Words of hers, which begin to sound at a sample of the turn's voice. Gives the line if they sound already.
    pub(crate) fn agent(
        &mut self,
        turn: TurnId,
        text: String,
        is_final: bool,
        from: Option<u64>,
    ) -> Option<Line> {
        if !self.over.admits(turn) {
            return None;
        }
        let at = from.unwrap_or(0);
        self.waiting.push_back(Waiting {
            turn,
            at,
            text,
            is_final,
        });
        let (turn, samples) = self.played;
        self.sound(turn, samples, from.is_none())
    }

    /// So much of a turn's voice has been played; gives the line if that made words audible.
    pub(crate) fn played(&mut self, turn: TurnId, samples: u64) -> Option<Line> {
        self.played = (turn, samples);
        self.sound(turn, samples, false)
    }

    /// A reply was cut: only `heard` of it stays, and what had been shown beyond it is struck through.
    pub(crate) fn cut(&mut self, turn: TurnId, heard: &str) -> Line {
        self.over.close(turn);
        self.waiting.retain(|waiting| waiting.turn > turn);
        let shown = settled(&mut self.agent, turn);
        let cut = shown.strip_prefix(heard).unwrap_or_default().to_owned();
        heard.clone_into(shown);
        Line {
            speaker: Speaker::Agent,
            turn,
            text: heard.to_owned(),
            cut,
            is_final: true,
        }
    }

    fn sound(&mut self, turn: TurnId, samples: u64, at_once: bool) -> Option<Line> {
        let mut line = None;
        while let Some(next) = self.waiting.front() {
            let audible =
                next.turn < turn || (next.turn == turn && next.at <= samples && samples > 0);
            if !(audible || (at_once && self.waiting.len() == 1)) {
                break;
            }
            let Some(Waiting {
                turn,
                text,
                is_final,
                ..
            }) = self.waiting.pop_front()
            else {
                break;
            };
            let settled = settled(&mut self.agent, turn);
            *settled = joined(settled, &text);
            let (text, cut) = (settled.clone(), String::new());
            line = Some(Line {
                speaker: Speaker::Agent,
                turn,
                text,
                cut,
                is_final,
            });
        }
        line
    }
}

/// The text settled so far of a speaker's turn; a new turn begins with none.
fn settled(draft: &mut Option<Draft>, turn: TurnId) -> &mut String {
    let draft = draft.get_or_insert_with(|| Draft {
        turn,
        settled: String::new(),
    });
    if draft.turn != turn {
        *draft = Draft {
            turn,
            settled: String::new(),
        };
    }
    &mut draft.settled
}

/// Pieces are sent with or without the space between them.
fn joined(before: &str, next: &str) -> String {
    let apart = before.is_empty()
        || before.ends_with(char::is_whitespace)
        || next.starts_with(char::is_whitespace);
    [before, if apart { "" } else { " " }, next].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TurnId = TurnId::from_wire(1);
    const TWO: TurnId = TurnId::from_wire(2);

    fn text(line: Option<Line>) -> Option<String> {
        line.map(|line| line.text)
    }

    #[test]
    fn her_words_appear_as_they_sound() {
        let mut captions = Captions::default();
        assert_eq!(captions.agent(ONE, "Hello.".into(), true, Some(0)), None);
        assert_eq!(
            captions.agent(ONE, "How can I help?".into(), true, Some(20_000)),
            None
        );
        assert_eq!(text(captions.played(ONE, 120)), Some("Hello.".into()));
        assert_eq!(captions.played(ONE, 19_000), None);
        assert_eq!(
            text(captions.played(ONE, 21_000)),
            Some("Hello. How can I help?".into())
        );
        assert_eq!(
            text(captions.agent(ONE, "Sir.".into(), true, Some(20_500))),
            Some("Hello. How can I help? Sir.".into())
        );
    }

    #[test]
    fn words_without_a_voice_appear_at_once() {
        let mut captions = Captions::default();
        assert_eq!(
            text(captions.agent(ONE, "One moment.".into(), true, None)),
            Some("One moment.".into())
        );
    }

    #[test]
    fn a_turn_that_is_being_played_shows_all_of_the_one_before() {
        let mut captions = Captions::default();
        captions.agent(ONE, "Bye.".into(), true, Some(9_000));
        captions.agent(TWO, "Hello.".into(), true, Some(9_000));
        assert_eq!(
            captions.played(TWO, 10).map(|line| (line.turn, line.text)),
            Some((ONE, "Bye.".into()))
        );
    }

    #[test]
    fn what_was_cut_before_it_sounded_is_never_shown() {
        let mut captions = Captions::default();
        captions.agent(ONE, "We open at nine.".into(), true, Some(0));
        captions.agent(ONE, "And close at five.".into(), true, Some(30_000));
        captions.played(ONE, 20_000);
        let line = captions.cut(ONE, "We open");
        assert_eq!(
            (line.text.as_str(), line.cut.as_str()),
            ("We open", " at nine.")
        );
        assert_eq!(captions.played(ONE, 40_000), None);
        assert_eq!(captions.agent(ONE, "late".into(), true, Some(0)), None);
    }
}
