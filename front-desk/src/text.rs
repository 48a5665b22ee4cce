//! Texts from outside: bounded, on one line, and without characters that hide or reorder others.
//!
//! Markup, quotes and signs are kept as they are: what is harmless depends on where a text is written to, and whoever writes it
//! there escapes it.

use std::fmt;

use serde::{Deserialize, Serialize};

mod phone;

pub use phone::{NoPhone, Phone, knows_country};

/// A text of one line with at most `MOST` characters and at least one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line<const MOST: usize>(String);

/// What a person is called.
pub type Name = Line<80>;

/// A message for the business.
pub type Note = Line<1000>;

/// Why a text cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {0} characters")]
    TooLong(usize),
}

impl<const MOST: usize> Line<MOST> {
    /// Cleans a text: runs of white space become one space, control characters and invisible marks go.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        clean_line(text)?.ok_or(TextError::Empty)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// A line, or none where nothing is left of the text.
pub(crate) fn clean_line<const MOST: usize>(text: &str) -> Result<Option<Line<MOST>>, TextError> {
    // Nothing that is worth keeping is so much longer in bytes; a megabyte is not even looked at.
    if text.len() > MOST.saturating_mul(8).saturating_add(256) {
        return Err(TextError::TooLong(MOST));
    }
    let line = cleaned(text);
    if line.chars().count() > MOST {
        return Err(TextError::TooLong(MOST));
    }
    Ok((!line.is_empty()).then_some(Line(line)))
}

/// Several lines, each cleaned, without empty ones at the ends.
pub(crate) fn clean_lines(text: &str, most: usize) -> Result<String, TextError> {
    if text.len() > most.saturating_mul(8).saturating_add(256) {
        return Err(TextError::TooLong(most));
    }
    let lines: Vec<String> = text.lines().map(cleaned).collect();
    let text = lines.join("\n").trim().to_owned();
    if text.chars().count() > most {
        return Err(TextError::TooLong(most));
    }
    Ok(text)
}

/// A line without what hides or reorders; empty if nothing is left to see.
fn cleaned(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|character| !is_hidden(*character))
        .collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_blank = line.chars().all(|c| c == ' ' || is_joiner(c));
    if is_blank { String::new() } else { line }
}

/// What some scripts and pictures need between others or behind them, and shows nothing by itself.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}')
}

/// Control characters that are no white space, marks that change the direction of what follows, and characters that show nothing. The
/// joiners stay.
fn is_hidden(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(
            character,
            '\u{00AD}'
                | '\u{034F}'
                | '\u{061C}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// Personal data: only its length is shown.
impl<const MOST: usize> fmt::Debug for Line<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} bytes)", self.0.len())
    }
}

impl<const MOST: usize> fmt::Display for Line<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MOST: usize> TryFrom<String> for Line<MOST> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl<const MOST: usize> From<Line<MOST>> for String {
    fn from(line: Line<MOST>) -> Self {
        line.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cleaned() {
        for (text, line) in [
            ("  Ada \t\n Lovelace ", "Ada Lovelace"),
            ("Ad\u{0}a\u{7} B\u{1b}[31m", "Ada B[31m"),
            ("\u{202E}evil\u{2066}", "evil"),
            ("a\u{200B}b\u{FEFF}\u{3164}", "ab"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            (
                "Robert'); DROP TABLE bookings;--",
                "Robert'); DROP TABLE bookings;--",
            ),
            ("=1+1", "=1+1"),
            ("עדה", "עדה"),
            ("ہے\u{200C}ہے", "ہے\u{200C}ہے"),
        ] {
            assert_eq!(Name::parse(text).unwrap().as_str(), line);
        }
    }

    #[test]
    fn a_line_is_bounded() {
        assert_eq!(Name::parse(""), Err(TextError::Empty));
        assert_eq!(Name::parse(" \u{202E}\u{0} "), Err(TextError::Empty));
        assert_eq!(Name::parse("\u{200D} \u{FE0F}"), Err(TextError::Empty));
        assert_eq!(Name::parse(&"é".repeat(81)), Err(TextError::TooLong(80)));
        assert_eq!(
            Name::parse(&" ".repeat(1 << 20)),
            Err(TextError::TooLong(80))
        );
        assert_eq!(
            Name::parse(&"é".repeat(80))
                .unwrap()
                .as_str()
                .chars()
                .count(),
            80
        );
        assert!(serde_json::from_str::<Name>("\"\\u0000\"").is_err());
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(
            clean_lines(" a  b \r\n\n c\u{202E} \n\n", 20).unwrap(),
            "a b\n\nc"
        );
        assert_eq!(
            clean_lines(&"x".repeat(21), 20),
            Err(TextError::TooLong(20))
        );
    }

    #[test]
    fn a_name_is_not_printed() {
        assert_eq!(
            format!("{:?}", Name::parse("Ada").unwrap()),
            "Line(3 bytes)"
        );
    }
}
