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
const COMMANDS: [&str; 11] = [
    "actually",
    "excuse me",
    "hang on",
    "hello",
    "hey",
    "hold on",
    "no",
    "one moment",
    "sorry",
    "stop",
    "wait",
];

/// What listeners say to show that they follow. As a whole utterance only: "okay, but when" is an interruption.
const BACKCHANNELS: [&str; 29] = [
    "mm",
    "mmm",
    "mhm",
    "mm hm",
    "mm hmm",
    "mhmm",
    "hm",
    "hmm",
    "uh huh",
    "uhuh",
    "aha",
    "ah",
    "oh",
    "ok",
    "okay",
    "right",
    "yeah",
    "yep",
    "yes",
    "sure",
    "i see",
    "got it",
    "alright",
    "uh",
    "um",
    "all right",
    "great",
    "good",
    "uhhuh",
];

/// Listening noises that are no answer even to a question.
const LISTENING: [&str; 8] = ["ah", "aha", "hm", "hmm", "mm", "mmm", "oh", "uh"];

/// A meaning needs more letters than this: recognisers turn a cough into one or two.
const MEANINGFUL_LETTERS: usize = 2;

/// Whether the words hold one that always takes the floor.
#[must_use]
pub fn commands(words: &str) -> bool {
    let said = normalise(words);
    COMMANDS
        .iter()
        .any(|command| contains_phrase(&said, command))
}

/// What she is saying while the caller is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hers {
    /// Her words that may come back through the caller's microphone: those heard lately. Empty where no echo can be.
    pub lately: String,
    /// She is at the end of a question, so that a yes is an answer.
    pub asks: bool,
    /// The caller's sound was so short that a single word in it may be no word.
    pub brief: bool,
}

/// Judges `words` spoken while she speaks.
#[must_use]
pub fn judge(words: &str, hers: &Hers) -> Verdict {
    let said = normalise(words);
    if commands(words) {
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
    let is_one_word = !said.contains(' ');
    if hers.brief && is_one_word && !hers.asks && !words.trim_end().ends_with('?') {
        // An "mm-hm" is read as "him", "and" or "never".
        return Verdict::Backchannel;
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
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let tail = match longest.and_then(|word| rest.strip_prefix(*word)) {
            Some(tail) => tail,
            // However a recogniser spells it, with closed lips nobody says anything.
            None if word.chars().all(|c| matches!(c, 'h' | 'm' | 'n')) => after,
            None => return false,
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
            ..Hers::default()
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
            ..Hers::default()
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
    fn one_word_in_a_moment_is_a_listening_noise_unless_it_means_something() {
        let hers = Hers {
            brief: true,
            ..Hers::default()
        };
        for (words, verdict) in [
            ("Him,", Verdict::Backchannel),
            ("Mm-m.", Verdict::Backchannel),
            ("What?", Verdict::Confirm),
            ("Sorry.", Verdict::Confirm),
            ("Stop.", Verdict::Confirm),
            ("On Saturday", Verdict::Confirm),
        ] {
            assert_eq!(judge(words, &hers), verdict, "{words:?}");
        }
        assert_eq!(judge("Saturday.", &Hers::default()), Verdict::Confirm);
    }

    #[test]
    fn where_no_echo_can_be_her_words_in_the_callers_mouth_are_the_callers() {
        assert_eq!(judge("from nine", &Hers::default()), Verdict::Confirm);
    }
}
