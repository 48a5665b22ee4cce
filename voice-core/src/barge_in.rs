//! When words spoken over her are an interruption.
//!
//! The handset has already paused her by ear. This decides, from what the recogniser makes of the sound, whether the
//! caller wants the floor (confirm) or not (play on).

use std::borrow::Cow;

/// What the words over her speech mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller takes the floor.
    Confirm,
    /// The caller only shows that they listen.
    Backchannel,
    /// The microphone picked up her own words.
    Echo,
    /// Too little to tell: wait for more.
    Unclear,
}

/// Words that always take the floor, whatever stands beside them.
const COMMANDS: [&str; 7] = [
    "stop",
    "wait",
    "hold on",
    "hang on",
    "excuse me",
    "one moment",
    "no",
];

/// What listeners say to show that they follow. As a whole utterance only: "okay, but when" is an interruption.
const BACKCHANNELS: [&str; 24] = [
    "mm", "mmm", "mhm", "mm hm", "mm hmm", "mhmm", "hm", "hmm", "uh huh", "uhuh", "aha", "ah",
    "oh", "ok", "okay", "right", "yeah", "yep", "yes", "sure", "i see", "got it", "alright", "uh",
];

/// Listening noises that are no answer even to a question.
const LISTENING: [&str; 8] = ["ah", "aha", "hm", "hmm", "mm", "mmm", "oh", "uh"];

/// A meaning needs more letters than this: recognisers turn a cough into one or two.
const MEANINGFUL_LETTERS: usize = 2;

/// What she is saying while the caller is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hers {
    /// Her words that may come back through the caller's microphone: those heard lately. Empty where no echo can be.
    pub lately: String,
    /// She is at the end of a question, so that a yes is an answer.
    pub asks: bool,
}

/// Judges `words` spoken while she speaks.
#[must_use]
pub fn judge(words: &str, hers: &Hers) -> Verdict {
    let said = normalise(words);
    if COMMANDS
        .iter()
        .any(|command| contains_phrase(&said, command))
    {
        return Verdict::Confirm;
    }
    if said.chars().filter(|c| c.is_alphanumeric()).count() <= MEANINGFUL_LETTERS {
        return Verdict::Unclear;
    }
    if is_backchannel(&said) {
        return if hers.asks && !LISTENING.contains(&said.as_str()) {
            Verdict::Confirm
        } else {
            Verdict::Backchannel
        };
    }
    if !hers.asks && contains_phrase(&normalise(&hers.lately), &said) {
        return Verdict::Echo;
    }
    Verdict::Confirm
}

/// Whether `said` is nothing but listening noises, one or several.
fn is_backchannel(said: &str) -> bool {
    let mut rest = said;
    while !rest.is_empty() {
        let longest = BACKCHANNELS
            .iter()
            .filter(|word| {
                rest.strip_prefix(**word)
                    .is_some_and(|tail| tail.is_empty() || tail.starts_with(' '))
            })
            .max_by_key(|word| word.len());
        let Some(tail) = longest.and_then(|word| rest.strip_prefix(*word)) else {
            return false;
        };
        rest = tail.trim_start();
    }
    true
}

/// Lower-case words with single spaces between them, and nothing else.
pub(crate) fn normalise(text: &str) -> String {
    let words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .map(|word| Cow::from(word.to_lowercase()));
    words.collect::<Vec<_>>().join(" ")
}

fn contains_phrase(text: &str, phrase: &str) -> bool {
    !phrase.is_empty() && format!(" {text} ").contains(&format!(" {phrase} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_interruption_from_a_listener() {
        let hers = Hers {
            lately: "We are open from nine to five, and you can stop by any day.".to_owned(),
            asks: false,
        };
        for (words, verdict) in [
            ("", Verdict::Unclear),
            ("uh", Verdict::Unclear),
            ("Mm-hmm.", Verdict::Backchannel),
            ("Okay, right.", Verdict::Backchannel),
            ("Yes.", Verdict::Backchannel),
            ("Okay, but when?", Verdict::Confirm),
            ("Stop.", Verdict::Confirm),
            ("Wait!", Verdict::Confirm),
            ("No.", Verdict::Confirm),
            ("open from nine", Verdict::Echo),
            ("Can I ask something", Verdict::Confirm),
        ] {
            assert_eq!(judge(words, &hers), verdict, "{words:?}");
        }
    }

    #[test]
    fn a_yes_to_her_question_is_an_answer() {
        let hers = Hers {
            lately: "Shall it be Monday or Tuesday?".to_owned(),
            asks: true,
        };
        for (words, verdict) in [
            ("Yes.", Verdict::Confirm),
            ("Okay.", Verdict::Confirm),
            ("Mm-hmm.", Verdict::Confirm),
            ("Tuesday", Verdict::Confirm),
            ("Hmm.", Verdict::Backchannel),
            ("", Verdict::Unclear),
        ] {
            assert_eq!(judge(words, &hers), verdict, "{words:?}");
        }
    }

    #[test]
    fn where_no_echo_can_be_her_words_in_the_callers_mouth_are_the_callers() {
        assert_eq!(judge("from nine", &Hers::default()), Verdict::Confirm);
    }
}
