//! Reading a piece of text from left to right: what a rule is given, what it gives back, and how it looks ahead.

use super::date;

/// Where a rule is asked. What stands before has been dealt with; the rule may take any of the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) before: &'a str,
    pub(super) rest: &'a str,
}

/// What a rule has understood: the words, and the text behind what they stand for.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) words: String,
    pub(super) rest: &'a str,
}

impl<'a> Place<'a> {
    pub(super) const fn cursor(self) -> Cursor<'a> {
        Cursor { rest: self.rest }
    }

    /// The words before this place, the nearest first, without the punctuation around them.
    pub(super) fn previous_words(self) -> impl Iterator<Item = &'a str> {
        self.before
            .rsplit(char::is_whitespace)
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
    }

    /// The word before this place; empty at the beginning.
    pub(super) fn previous(self) -> &'a str {
        self.previous_words().next().unwrap_or_default()
    }

    /// The character before this place.
    pub(super) fn last(self) -> Option<char> {
        self.before.chars().next_back()
    }

    /// Whether a new word may begin here.
    pub(super) fn after_a_gap(self) -> bool {
        self.last()
            .is_none_or(|last| last.is_whitespace() || matches!(last, '(' | '"' | '“' | '‘' | '['))
    }

    /// Whether what stands here describes a noun behind it, and is therefore said in the singular: "a $45 fee".
    pub(super) fn describes(self, behind: &str) -> bool {
        const DETERMINERS: [&str; 8] = ["a", "an", "another", "any", "each", "every", "one", "our"];
        let previous = self.previous().to_ascii_lowercase();
        self.last().is_some_and(char::is_whitespace)
            && is_one_of(&previous, &DETERMINERS)
            && noun_follows(behind)
    }
}

/// A look ahead into a text: copies go on by themselves, and what one of them finds is taken over or forgotten.
///
/// Its methods are not inlined: the rules call them in hundreds of places, and the worker's code would be a third of what
/// all rules take larger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(rest: &'a str) -> Self {
        Self { rest }
    }

    pub(super) const fn rest(self) -> &'a str {
        self.rest
    }

    pub(super) fn peek(self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes this text, if it is next.
    #[inline(never)]
    pub(super) fn take(&mut self, text: &str) -> bool {
        self.rest
            .strip_prefix(text)
            .map(|rest| self.rest = rest)
            .is_some()
    }

    /// Takes one such character, if it is next.
    #[inline(never)]
    pub(super) fn take_one(&mut self, wanted: fn(char) -> bool) -> bool {
        self.rest
            .strip_prefix(wanted)
            .map(|rest| self.rest = rest)
            .is_some()
    }

    #[inline(never)]
    pub(super) fn take_while(&mut self, wanted: fn(char) -> bool) -> &'a str {
        let rest = self.rest.trim_start_matches(wanted);
        let length = self.rest.len().saturating_sub(rest.len());
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    /// Takes all of this character that are next.
    pub(super) fn take_all(&mut self, character: char) {
        self.rest = self.rest.trim_start_matches(character);
    }

    #[inline(never)]
    pub(super) fn digits(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_digit())
    }

    /// So many digits, no more.
    #[inline(never)]
    pub(super) fn exactly(&mut self, count: usize) -> Option<&'a str> {
        let digits = self.digits();
        (digits.len() == count).then_some(digits)
    }

    #[inline(never)]
    pub(super) fn letters(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphabetic())
    }

    /// One space.
    #[inline(never)]
    pub(super) fn space(&mut self) -> bool {
        self.take_one(|c| matches!(c, ' ' | '\u{a0}' | '\u{202f}'))
    }

    #[inline(never)]
    pub(super) fn dash(&mut self) -> bool {
        self.take_one(is_dash)
    }

    /// A dash between two things, with or without spaces around it.
    #[inline(never)]
    pub(super) fn joint(&mut self) -> bool {
        let mut ahead = *self;
        ahead.space();
        let found = ahead.dash();
        if found {
            ahead.space();
            *self = ahead;
        }
        found
    }

    /// Whether no letter or digit follows.
    #[inline(never)]
    pub(super) fn ends_word(self) -> bool {
        !self.rest.starts_with(char::is_alphanumeric)
    }

    /// Whether a number ends here, and is no part of a longer figure such as a time, a date or a version.
    #[inline(never)]
    pub(super) fn ends_number(self) -> bool {
        let mut ahead = self;
        let inner = ahead.take_one(|c| matches!(c, '.' | ':' | '/'));
        self.ends_word() && !(inner && ahead.peek().is_some_and(|c| c.is_ascii_digit()))
    }

    /// Whether a dash and another digit follow.
    #[inline(never)]
    pub(super) fn goes_on_with_dash(self) -> bool {
        let mut ahead = self;
        ahead.dash() && ahead.peek().is_some_and(|c| c.is_ascii_digit())
    }

    pub(super) const fn said(self, words: String) -> Said<'a> {
        Said {
            words,
            rest: self.rest,
        }
    }
}

pub(super) const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '–' | '—' | '−')
}

/// Whether a table has the word. Inlined, each of the many tables would become a chain of comparisons in the worker's code.
#[inline(never)]
pub(super) fn is_one_of(word: &str, table: &[&str]) -> bool {
    table.contains(&word)
}

/// What a table has for the word. Not inlined for the same reason.
#[inline(never)]
pub(super) fn meaning(word: &str, table: &[(&str, &'static str)]) -> Option<&'static str> {
    table
        .iter()
        .find_map(|(written, meaning)| (*written == word).then_some(*meaning))
}

pub(super) fn is_capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// The full stop of an abbreviation is its own and the sentence's when the sentence ends with it. `behind` is what follows the full stop.
pub(super) fn full_stop(behind: &str) -> &'static str {
    let next = behind.trim_start();
    let word = Cursor::new(next).letters();
    let all_capitals = word.len() > 1 && word.chars().all(char::is_uppercase);
    let zone = matches!(word, "Central" | "Eastern" | "Mountain" | "Pacific");
    let opens = is_capitalised(next)
        && behind.len() != next.len()
        && !date::is_name(word)
        && !all_capitals
        && !zone;
    if next.is_empty() || opens { "." } else { "" }
}

/// Whether a noun follows that a number before it could count or describe: a word in small letters that is none of
/// those which hold a sentence together.
pub(super) fn noun_follows(behind: &str) -> bool {
    let mut ahead = Cursor::new(behind);
    let apart = ahead.space() || ahead.take("-");
    let word = ahead.letters();
    apart
        && word.len() > 1
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && !is_one_of(word, FUNCTION_WORDS)
}

const FUNCTION_WORDS: &[&str] = &[
    "after",
    "again",
    "also",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "each",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "if",
    "in",
    "including",
    "instead",
    "is",
    "it",
    "may",
    "might",
    "must",
    "not",
    "now",
    "of",
    "off",
    "on",
    "only",
    "or",
    "our",
    "per",
    "please",
    "plus",
    "right",
    "she",
    "should",
    "since",
    "so",
    "that",
    "the",
    "then",
    "there",
    "they",
    "to",
    "today",
    "together",
    "tomorrow",
    "tonight",
    "too",
    "until",
    "via",
    "was",
    "we",
    "were",
    "when",
    "where",
    "which",
    "while",
    "who",
    "will",
    "with",
    "without",
    "would",
];
