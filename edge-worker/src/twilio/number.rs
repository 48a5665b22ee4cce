//! Telephone numbers.

use std::fmt;

/// The shortest and the longest number, in digits: the longest by E.164, the shortest one that can be dialled from abroad.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What the telephone company writes in place of a number that is not told: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and
/// UNAVAILABLE in the letters of a keypad.
const HIDDEN: [&str; 5] = [
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
];

/// A telephone number by E.164: a plus sign and the country's code first. Its `Debug` shows the last two digits only.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number without spaces or punctuation. Names of other networks (`sip:`, `client:`), words such as "anonymous" and
    /// the numbers that stand for them are no numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let fits = DIGITS.contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !HIDDEN.contains(&text);
        fits.then(|| Self(text.to_owned()))
    }

    /// The number itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, last) = self.0.split_at(self.0.len().saturating_sub(2));
        write!(f, "PhoneNumber(…{last})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_international() {
        for text in ["+12025550143", "+4930901820", "+3905551234567"] {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "+",
            "12025550143",
            "+02025550143",
            "+1 202 555 0143",
            "+120255",
            "+1234567890123456",
            "+1202555014x",
            "anonymous",
            "sip:alice@example.com",
            "client:alice",
            "+266696687",
        ] {
            assert!(PhoneNumber::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_printed_number_shows_two_digits() {
        let number = PhoneNumber::parse("+12025550143").unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(…43)");
    }
}
