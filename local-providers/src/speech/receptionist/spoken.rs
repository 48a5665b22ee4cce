//! Words as they are said: matching phrases, and what answers a question of hers.

mod calendar;
mod clock;
mod name;

pub(crate) use calendar::Date;
pub(crate) use clock::{Part, Time};

/// A line in small letters without punctuation, for matching whole words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// The line as it came, by word, without punctuation at the ends.
    written: Vec<String>,
    /// The same in small letters, with hyphens as spaces, between two spaces.
    plain: String,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let text = text.replace('’', "'");
        // The plus of a telephone number stays.
        let edge = |character: char| !character.is_alphanumeric() && !"'+".contains(character);
        let written: Vec<String> = text
            .split([' ', '\n', '\t'])
            .map(|word| word.trim_matches(edge).to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        let plain = format!(" {} ", written.join(" ").to_lowercase().replace('-', " "));
        Self { written, plain }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether a word or phrase is in it, whatever the punctuation.
    pub(crate) fn contain(&self, phrase: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || b" '".contains(&byte);
        if !phrase.bytes().all(is_plain) {
            return self.plain.contains(&Self::of(phrase).plain);
        }
        // Most are plain already, and there are hundreds of them to a line.
        let is_space =
            |at: Option<usize>| at.and_then(|at| self.plain.as_bytes().get(at)) == Some(&b' ');
        self.plain
            .match_indices(phrase)
            .any(|(at, _)| is_space(at.checked_sub(1)) && is_space(Some(at + phrase.len())))
    }

    pub(crate) fn contain_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.contain(phrase))
    }

    /// Its words in small letters.
    pub(crate) fn plain(&self) -> Vec<&str> {
        self.plain.split_whitespace().collect()
    }

    /// Whether it agrees: at its beginning, or being short. "Is it okay to be late?" and "okay, wait" do not.
    pub(crate) fn is_yes(&self) -> bool {
        let words = self.plain();
        let begins = |phrase: &str, after: usize| {
            let mut rest = words.iter().skip(after);
            phrase.split(' ').all(|word| rest.next() == Some(&word))
        };
        let early = YES
            .iter()
            .any(|phrase| begins(phrase, 0) || begins(phrase, 1));
        let asks = words.first().is_some_and(|word| ASKING.contains(word));
        let agrees = early || (words.len() <= 4 && self.contain_any(&YES));
        agrees && !asks && !self.is_no() && !self.contain_any(&HESITATING)
    }

    pub(crate) fn is_no(&self) -> bool {
        let begins = |word: &&str| ["no", "nope", "nah", "neither"].contains(word);
        self.plain().first().is_some_and(begins) || self.contain_any(&NO)
    }

    /// Which of several offered things it chooses.
    pub(crate) fn choice(&self, of: usize) -> Option<usize> {
        if self.contain_any(&["a second", "one second"]) {
            return None;
        }
        let last = || of.checked_sub(1);
        let chosen = ORDINALS
            .iter()
            .position(|ordinals| self.contain_any(ordinals));
        chosen
            .or_else(|| self.contain_any(&EARLIEST).then_some(0))
            .or_else(|| self.contain_any(&LATEST).then(last)?)
            .or_else(|| (of == 3 && self.contain_any(&["middle", "the one between"])).then_some(1))
            .filter(|index| *index < of)
    }

    /// A telephone number: at least seven digits, said or written.
    pub(crate) fn phone(&self) -> Option<String> {
        let mut found = String::new();
        let mut times = 1;
        for word in self.plain() {
            if let Some(index) = TIMES.iter().position(|name| *name == word) {
                times = index + 2;
                continue;
            }
            if word.starts_with('+') || word == "plus" {
                found = "+".to_owned();
            }
            for digit in digits(word) {
                found.extend(std::iter::repeat_n(digit, times));
                times = 1;
            }
        }
        (found.len() >= 7).then_some(found)
    }
}

/// Digits of a word: `555`, `five`, `oh`.
fn digits(word: &str) -> Vec<char> {
    if matches!(word, "o" | "oh") {
        return vec!['0'];
    }
    if let Some(index) = DIGITS.iter().position(|digit| *digit == word) {
        return char::from_digit(index as u32, 10).into_iter().collect();
    }
    let numeric = word
        .chars()
        .all(|character| character.is_ascii_digit() || "+().".contains(character));
    if numeric {
        word.chars().filter(char::is_ascii_digit).collect()
    } else {
        Vec::new()
    }
}

pub(crate) fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

const YES: [&str; 39] = [
    "yes",
    "yeah",
    "yep",
    "yup",
    "yea",
    "sure",
    "ok",
    "okay",
    "correct",
    "right",
    "exactly",
    "perfect",
    "great",
    "lovely",
    "fine",
    "good",
    "that sounds",
    "sounds good",
    "that's fine",
    "that's good",
    "that's right",
    "that's correct",
    "that's perfect",
    "that would be",
    "that'd be",
    "please do",
    "go ahead",
    "absolutely",
    "of course",
    "definitely",
    "book it",
    "do it",
    "do that",
    "works for me",
    "that works",
    "yes please",
    "confirm",
    "i do",
    "i'll take it",
];

const ASKING: [&str; 11] = [
    "are", "can", "could", "do", "does", "how", "is", "what", "when", "will", "would",
];

const HESITATING: [&str; 8] = [
    "wait",
    "hold on",
    "hang on",
    "one moment",
    "a moment",
    "let me",
    "not sure",
    "but",
];

const NO: [&str; 9] = [
    "not right",
    "wrong",
    "incorrect",
    "don't",
    "do not",
    "not good",
    "none of",
    "neither",
    "rather not",
];

const ORDINALS: [&[&str]; 3] = [&["first", "1st"], &["second", "2nd"], &["third", "3rd"]];

const EARLIEST: [&str; 9] = [
    "earliest",
    "earlier one",
    "the earlier",
    "early one",
    "either",
    "whichever",
    "any of those",
    "any of them",
    "you choose",
];

const LATEST: [&str; 6] = [
    "latest",
    "later one",
    "the later",
    "last one",
    "the last",
    "late one",
];

/// From two on.
const TIMES: [&str; 2] = ["double", "triple"];

const DIGITS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_chosen_of_three() {
        for (line, expected) in [
            ("The first, please.", Some(0)),
            ("the second one", Some(1)),
            ("I'll take the later one.", Some(2)),
            ("The last one works", Some(2)),
            ("the earliest", Some(0)),
            ("The middle one.", Some(1)),
            ("Just a second.", None),
            ("something else", None),
        ] {
            assert_eq!(Words::of(line).choice(3), expected, "{line}");
        }
        assert_eq!(Words::of("the third").choice(2), None);
    }

    #[test]
    fn reads_yes_and_no() {
        for (line, yes, no) in [
            ("Yes, please.", true, false),
            ("Yeah, that's right.", true, false),
            ("That's not right.", false, true),
            ("No, that's fine.", false, true),
            ("Don't book it.", false, true),
            ("Nobody knows.", false, false),
            ("Um, sure.", true, false),
            ("That sounds good to me.", true, false),
            ("Two would be great", true, false),
            ("Is it okay to pay by card?", false, false),
            ("I think the price is not right there, sure", false, true),
            ("Okay, wait, I have to look.", false, false),
        ] {
            let words = Words::of(line);
            assert_eq!((words.is_yes(), words.is_no()), (yes, no), "{line}");
        }
    }

    #[test]
    fn reads_telephone_numbers() {
        for (line, expected) in [
            ("It's five five five, oh one two 3", Some("5550123")),
            ("It's 202-555-0143.", Some("2025550143")),
            ("(202) 555 0143", Some("2025550143")),
            (
                "two oh two, triple five, zero one double four",
                Some("2025550144"),
            ),
            ("plus one 202 555 0143", Some("+12025550143")),
            ("+1 202 555 0143", Some("+12025550143")),
            ("I have 2 cats", None),
        ] {
            assert_eq!(Words::of(line).phone().as_deref(), expected, "{line}");
        }
    }
}
