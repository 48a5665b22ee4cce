//! Text as a model writes it, to text as it is shown and as it is said.
//!
//! [`shown`] leaves out what belongs to no voice: markup, pictures, stage directions, reasoning. Captions and records
//! hold its result. [`spoken`] turns that into words as people say them in American English, so that no engine has to guess
//! what "9-5", "Dr." or "4821" is. What no rule knows passes as it stands: the engine's guess is then as good as ours.
//!
//! Both take a piece of a text, which may begin or end in the middle of a sentence, and neither can fail. Letters and
//! digits are either kept or said in other words; only stage directions, reasoning, footnotes and the addresses behind links are lost.
//! What `spoken` has made of words and figures it leaves as it is; `shown` makes no such promise: an escaped asterisk is a
//! letter the first time and markup the second.

mod abbreviation;
mod code;
mod cursor;
mod date;
mod direction;
mod initials;
mod inline;
mod markup;
mod money;
mod number;
mod street;
mod symbol;
mod telephone;
mod time;
mod unit;
mod web;
mod words;

use cursor::{Place, Said};

/// What is left of a model's text for captions and records: its words, with single spaces. Empty if there is none.
#[must_use]
pub fn shown(text: &str) -> String {
    markup::shown(text)
}

/// Text that was [`shown`], as it is said.
#[must_use]
pub fn spoken(shown: &str) -> String {
    // Numbers grow most: most pieces have few of them.
    let mut said = String::with_capacity(shown.len().saturating_mul(2));
    let mut at = 0_usize;
    while let Some((before, rest)) = shown.split_at_checked(at) {
        let Some(next) = rest.chars().next() else {
            break;
        };
        let left = match understand(Place { before, rest }) {
            Some(Said { words, rest: left }) if left.len() < rest.len() => {
                append(&mut said, &words);
                left
            }
            _ => {
                let length = word_length(rest).max(next.len_utf8());
                let (word, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
                append(&mut said, word);
                left
            }
        };
        at = shown.len().saturating_sub(left.len());
    }
    said
}

/// Asks each rule in turn. Before a rule stands every rule that takes more of the same text: a telephone number is
/// a range to who does not know better.
fn understand(place: Place<'_>) -> Option<Said<'_>> {
    web::read(place)
        .or_else(|| telephone::read(place))
        .or_else(|| money::read(place))
        .or_else(|| date::read(place))
        .or_else(|| time::read(place))
        .or_else(|| street::read(place))
        .or_else(|| unit::read(place))
        .or_else(|| code::read(place))
        .or_else(|| number::read(place))
        .or_else(|| abbreviation::read(place))
        .or_else(|| initials::read(place))
        .or_else(|| symbol::read(place))
}

/// How long the word at the beginning is: letters and digits, and the apostrophes between them.
fn word_length(text: &str) -> usize {
    let mut length = 0_usize;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let inside = character.is_alphanumeric()
            || (at > 0
                && matches!(character, '\'' | '’')
                && characters
                    .peek()
                    .is_some_and(|(_, next)| next.is_alphanumeric()));
        if !inside {
            break;
        }
        length = at.saturating_add(character.len_utf8());
    }
    length
}

/// Adds words, apart from what stands before them.
fn append(said: &mut String, words: &str) {
    let touches = said.ends_with(char::is_alphanumeric) && words.starts_with(char::is_alphanumeric);
    if touches {
        said.push(' ');
    }
    said.push_str(words);
}

#[cfg(test)]
mod tests;
