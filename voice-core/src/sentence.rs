//! Tokens in, speakable pieces out.
//!
//! The first piece is short, so that she starts to speak early; later pieces are whole sentences, joined while they are short,
//! since a voice socket allows few of them a minute. A piece is text as it is [`shown`]: what is written but never said
//! (markdown, emoji, links, stage directions) is left out of it.

use crate::spoken::shown;

/// Short beginnings of an answer. The model is asked to use them, they are a piece of their own however they end, and their sound
/// can be kept from call to call.
pub const OPENINGS: [&str; 10] = [
    "Sure.",
    "Of course.",
    "Certainly.",
    "Great.",
    "Got it.",
    "Okay.",
    "Yes.",
    "No problem.",
    "Let me see.",
    "I see.",
];

/// The first piece may end at a comma once it has this many characters: about a second of speech, enough to cover
/// the wait for the next piece.
const FIRST_CLAUSE: usize = 16;

/// Later pieces are joined up to this many characters. Deepgram's socket takes 20 pieces a minute, one each
/// three seconds; 40 characters last nearly that long.
const JOINED: usize = 40;

/// A piece ends here at the latest, at a space if there is one: a voice would otherwise wait for a sentence that never ends.
/// Deepgram takes at most 2000 characters a message.
const LONGEST: usize = 400;

/// Words whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 50] = [
    "mr", "mrs", "ms", "dr", "prof", "rev", "st", "ave", "blvd", "rd", "hwy", "apt", "ste", "no",
    "ext", "vs", "etc", "e.g", "i.e", "a.m", "p.m", "jr", "sr", "inc", "ltd", "dept", "approx",
    "u.s", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "jan", "feb",
    "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Collects a model's tokens and gives them out as pieces.
#[derive(Clone, Debug, Default)]
pub struct SentenceChunker {
    raw: String,
    begun: bool,
}

impl SentenceChunker {
    /// Takes a token and gives what can be spoken now.
    pub fn push(&mut self, token: &str) -> Vec<String> {
        self.raw.push_str(token);
        self.drop_reasoning();
        let mut pieces = Vec::new();
        while let Some(end) = self.next_end() {
            let rest = self.raw.split_off(end);
            let piece = shown(&std::mem::replace(&mut self.raw, rest));
            if !piece.is_empty() {
                self.begun = true;
                pieces.push(piece);
            }
        }
        pieces
    }

    /// Gives what is left when the model has finished.
    pub fn finish(&mut self) -> Option<String> {
        let piece = shown(self.said());
        *self = Self::default();
        (!piece.is_empty()).then_some(piece)
    }

    /// What has come of a piece that is not complete.
    #[must_use]
    pub fn pending(&self) -> String {
        shown(self.said())
    }

    /// What may be spoken of the text at hand: nothing behind a thought that is still open.
    fn said(&self) -> &str {
        self.raw
            .split_once(THINK)
            .map_or(self.raw.as_str(), |(before, _)| before)
    }

    /// Where the next piece ends, in bytes of `raw`, if it is complete.
    fn next_end(&self) -> Option<usize> {
        let said = self.said();
        let mut joined = None;
        for (at, mark) in said.char_indices() {
            let end = at.saturating_add(mark.len_utf8());
            let Some((before, after)) = said.split_at_checked(end) else {
                continue;
            };
            let length = before.trim_start().chars().count();
            if ends_sentence(before, mark, after) {
                if !self.begun || length >= JOINED {
                    return Some(end);
                }
                joined = Some(end);
            } else if !self.begun
                && (length >= FIRST_CLAUSE || is_opening(before))
                && ends_clause(before, mark, after)
            {
                return Some(end);
            }
            if length >= LONGEST {
                return Some(joined.unwrap_or_else(|| {
                    before.rfind(' ').filter(|space| *space > 0).unwrap_or(end)
                }));
            }
        }
        None
    }

    /// Removes every finished thought, which some models write into their answer.
    fn drop_reasoning(&mut self) {
        while let Some((before, thought)) = self.raw.split_once(THINK) {
            let Some((_, after)) = thought.split_once(THOUGHT) else {
                return;
            };
            self.raw = format!("{before}{after}");
        }
    }
}

/// Whether this is an opening, with whatever mark behind it.
fn is_opening(text: &str) -> bool {
    let bare = |text: &str| {
        text.trim()
            .trim_end_matches(['.', ',', '!', ';', ':'])
            .to_lowercase()
    };
    let text = bare(text);
    OPENINGS.iter().any(|opening| bare(opening) == text)
}

const THINK: &str = "<think>";
const THOUGHT: &str = "</think>";

/// Whether a sentence ends with `mark`, the last character of `before`. A full stop needs the space after it to be sure.
fn ends_sentence(before: &str, mark: char, after: &str) -> bool {
    // Emphasis closes after the full stop; it is not spoken.
    let after = after.trim_start_matches(['*', '_']);
    match mark {
        '\n' | '。' | '！' | '？' => true,
        '!' | '?' | '…' => after.starts_with(char::is_whitespace),
        '.' => after.starts_with(char::is_whitespace) && !is_abbreviation(before),
        _ => false,
    }
}

fn ends_clause(before: &str, mark: char, after: &str) -> bool {
    let ends = match mark {
        ',' | ';' | ':' => true,
        // Behind a number it may stand for "to".
        '–' | '—' => !before
            .trim_end_matches(mark)
            .trim_end()
            .ends_with(|c: char| c.is_ascii_digit()),
        _ => false,
    };
    ends && after.starts_with(char::is_whitespace)
}

/// Whether the full stop at the end of `before` belongs to its word: "Dr.", "a.m.", the "3." of a list, an initial.
fn is_abbreviation(before: &str) -> bool {
    let Some(sentence) = before.strip_suffix('.') else {
        return false;
    };
    let word = sentence
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or(sentence);
    let word = word
        .trim_start_matches(['(', '"', '\'', '“', '‘'])
        .to_lowercase();
    let starts_here = sentence.trim_start().len() == word.len();
    let initial = word.chars().count() == 1 && word != "i";
    ABBREVIATIONS.contains(&word.as_str())
        || initial
        || (starts_here && word.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the shape `expect!` is made for"
    )]
    fn check(answer: &str, expected: Expect) {
        let mut chunker = SentenceChunker::default();
        let mut pieces: Vec<String> = Vec::new();
        for token in answer.split_inclusive(' ') {
            pieces.extend(chunker.push(token));
        }
        pieces.extend(chunker.finish());
        expected.assert_eq(&pieces.join("\n"));
        let mut whole = SentenceChunker::default();
        let mut at_once = whole.push(answer);
        at_once.extend(whole.finish());
        assert_eq!(
            at_once.join(" "),
            pieces.join(" "),
            "however it is cut, the words are the same"
        );
    }

    #[test]
    fn the_first_piece_is_short_and_later_ones_are_sentences() {
        check(
            "Of course, I can help with that, let me look. We open at nine. We close at five. On Saturdays we are closed all day, sorry.",
            expect![[r#"
                Of course,
                I can help with that, let me look. We open at nine.
                We close at five. On Saturdays we are closed all day, sorry."#]],
        );
    }

    #[test]
    fn a_full_stop_inside_a_word_does_not_end_a_sentence() {
        check(
            "Dr. Reyes sees you at 9.30 a.m. on Monday for $45.50 please bring your card to room no. 3 and see example.com for more. Bye now.",
            expect![[r#"
                Dr. Reyes sees you at 9.30 a.m. on Monday for $45.50 please bring your card to room no. 3 and see example.com for more.
                Bye now."#]],
        );
    }

    #[test]
    fn a_date_and_a_range_stay_whole() {
        check(
            "You are booked for Tues. Nov. 24 at nine. It takes 30 – 45 minutes. Bye.",
            expect![[r#"
                You are booked for Tues. Nov. 24 at nine.
                It takes 30 – 45 minutes. Bye."#]],
        );
        check(
            "It takes some 30 – 45 minutes, I think.",
            expect![[r#"
                It takes some 30 – 45 minutes,
                I think."#]],
        );
    }

    #[test]
    fn what_cannot_be_said_is_left_out() {
        check(
            "<think>They want hours. Easy.</think>**Sure!** 😀 See [our page](https://example.com/a). # Hours\n- Nine to five ✅",
            expect![[r#"
                Sure!
                See our page.
                Hours. Nine to five"#]],
        );
    }

    #[test]
    fn an_answer_without_words_is_no_piece() {
        check("  *** \n 👍 ", expect![""]);
        check("<think>never closed. Really.", expect![""]);
    }

    #[test]
    fn a_sentence_without_end_is_cut_at_a_space() {
        let mut chunker = SentenceChunker::default();
        let pieces = chunker.push(&"word ".repeat(200));
        assert!(!pieces.is_empty());
        assert!(
            pieces
                .iter()
                .all(|piece| piece.chars().count() <= LONGEST && piece.ends_with("word"))
        );
    }
}
