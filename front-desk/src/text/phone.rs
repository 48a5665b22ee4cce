//! Telephone numbers: E.164 where the country tells how a national number is written, otherwise the digits as given.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone number: `+12025550143`, or bare digits whose country is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// Not a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number of 4 to 15 digits")]
pub struct NoPhone;

impl Phone {
    /// Reads a number as people write it in a country (ISO 3166, two letters).
    pub fn parse(text: &str, country: &str) -> Result<Self, NoPhone> {
        let (international, digits) = digits_of(text)?;
        if international {
            return Self::international(&digits);
        }
        let plan = PLANS
            .iter()
            .find(|plan| plan.country.eq_ignore_ascii_case(country));
        Ok(plan
            .and_then(|plan| plan.complete(&digits))
            .unwrap_or(Self(digits)))
    }

    /// The number as it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both reach the same telephone. One may lack its country or its area, as people say it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let bare = |phone: &Self| phone.0.trim_start_matches(['+', '0']).to_owned();
        let (one, two) = (bare(self), bare(other));
        match (self.0.starts_with('+'), other.0.starts_with('+')) {
            (true, true) => one == two,
            _ => {
                let (short, long) = if one.len() <= two.len() {
                    (one, two)
                } else {
                    (two, one)
                };
                short.len() >= LOCAL && long.ends_with(&short)
            }
        }
    }

    fn international(digits: &str) -> Result<Self, NoPhone> {
        let plausible = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        plausible.then(|| Self(format!("+{digits}"))).ok_or(NoPhone)
    }
}

/// Whether national numbers of this country can be completed.
#[must_use]
pub fn knows_country(country: &str) -> bool {
    PLANS
        .iter()
        .any(|plan| plan.country.eq_ignore_ascii_case(country))
}

/// How a country writes its numbers.
struct Plan {
    country: &'static str,
    code: &'static str,
    /// What stands before a national number and is dropped after the country's code.
    trunk: &'static str,
    /// Digits of a national number without the trunk's, fewest and most.
    digits: (usize, usize),
}

impl Plan {
    fn complete(&self, digits: &str) -> Option<Phone> {
        let fits = |national: &str| {
            (self.digits.0..=self.digits.1).contains(&national.len())
                && !(self.code == "1" && national.starts_with(['0', '1']))
        };
        let national = match digits.strip_prefix(self.trunk) {
            Some(national) if !self.trunk.is_empty() => national,
            _ => digits,
        };
        if fits(national) {
            return Some(Phone(format!("+{}{national}", self.code)));
        }
        // Said with the country's code but without its plus.
        let national = digits.strip_prefix(self.code)?;
        fits(national).then(|| Phone(format!("+{digits}")))
    }
}

/// Whether it begins as an international one, and its digits.
fn digits_of(text: &str) -> Result<(bool, String), NoPhone> {
    if text.len() > WRITTEN {
        return Err(NoPhone);
    }
    let text = text.trim();
    let mut digits = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => {}
            ' ' | '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2013}' | '\u{a0}' => {}
            _ => return Err(NoPhone),
        }
    }
    let (international, digits) = match (text.starts_with('+'), digits.strip_prefix("00")) {
        (true, _) => (true, digits),
        (false, Some(rest)) => (true, rest.to_owned()),
        (false, None) => (false, digits),
    };
    let plausible = (4..=15).contains(&digits.len());
    plausible.then_some((international, digits)).ok_or(NoPhone)
}

/// Personal data: only its end is shown.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, last) = self.0.split_at(self.0.len().saturating_sub(2));
        write!(f, "Phone(…{last})")
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As it is kept: no country is guessed.
impl TryFrom<String> for Phone {
    type Error = NoPhone;

    fn try_from(text: String) -> Result<Self, NoPhone> {
        Self::parse(&text, "")
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

/// Characters in which a number may be written: fifteen digits and what people put between them.
const WRITTEN: usize = 48;

/// Digits of a local number in the longest plans: fewer fit too many people.
const LOCAL: usize = 7;

macro_rules! plans {
    ($($country:literal $code:literal $trunk:literal $fewest:literal..$most:literal;)*) => {
        /// National numbering plans by ITU-T E.164 and each country's own.
        const PLANS: &[Plan] = &[$(Plan { country: $country, code: $code, trunk: $trunk, digits: ($fewest, $most) }),*];
    };
}

plans! {
    "AT" "43" "0" 7..12;
    "AU" "61" "0" 9..9;
    "BE" "32" "0" 8..9;
    "BR" "55" "0" 10..11;
    "CA" "1" "1" 10..10;
    "CH" "41" "0" 9..9;
    "DE" "49" "0" 6..11;
    "DK" "45" "" 8..8;
    "ES" "34" "" 9..9;
    "FI" "358" "0" 6..11;
    "FR" "33" "0" 9..9;
    "GB" "44" "0" 9..10;
    "IE" "353" "0" 7..9;
    "IN" "91" "0" 10..10;
    "IT" "39" "" 6..11;
    "JP" "81" "0" 9..10;
    "MX" "52" "" 10..10;
    "NL" "31" "0" 9..9;
    "NO" "47" "" 8..8;
    "NP" "977" "0" 8..10;
    "NZ" "64" "0" 8..10;
    "PL" "48" "" 9..9;
    "PT" "351" "" 9..9;
    "SE" "46" "0" 7..9;
    "SG" "65" "" 8..8;
    "US" "1" "1" 10..10;
    "ZA" "27" "0" 9..9;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_completed_by_its_country() {
        for (text, country, kept) in [
            ("(202) 555-0143", "US", "+12025550143"),
            ("1-202-555-0143", "us", "+12025550143"),
            ("+1 202 555 0143", "GB", "+12025550143"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("0044 20 7946 0018", "US", "+442079460018"),
            ("447700900123", "GB", "+447700900123"),
            ("02 5550 1234", "AU", "+61255501234"),
            ("06 12345678", "IT", "+390612345678"),
            ("984-1234567", "NP", "+9779841234567"),
            ("555-0143", "US", "5550143"),
            ("012 345 6789", "US", "0123456789"),
            ("555 0143", "XX", "5550143"),
        ] {
            assert_eq!(
                Phone::parse(text, country).unwrap().as_str(),
                kept,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "123",
            "+0123456789",
            "+123456",
            "call me",
            "202555014x",
            "1234567890123456",
            "++",
            "2025550143;ext=1",
            "٢٠٢٥٥٥٠١٤٣",
        ] {
            assert_eq!(Phone::parse(text, "US"), Err(NoPhone), "{text}");
        }
        assert_eq!(Phone::parse(&" ".repeat(1 << 20), "US"), Err(NoPhone));
    }

    #[test]
    fn the_same_telephone_is_known() {
        let phone = |text| Phone::parse(text, "US").unwrap();
        for (one, two, same) in [
            ("202 555 0143", "+12025550143", true),
            ("555 0143", "+12025550143", true),
            ("0143", "+12025550143", false),
            ("550143", "+12025550143", false),
            ("+442025550143", "+12025550143", false),
            ("+12025550144", "+12025550143", false),
        ] {
            assert_eq!(phone(one).is_same(&phone(two)), same, "{one}");
            assert_eq!(phone(two).is_same(&phone(one)), same, "{one}");
        }
    }

    #[test]
    fn it_is_kept_as_it_was_read() {
        for text in ["+12025550143", "5550143", "0123456789"] {
            let phone: Phone = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&phone).unwrap(), text);
        }
        assert_eq!(
            format!("{:?}", Phone::parse("2025550143", "US").unwrap()),
            "Phone(…43)"
        );
    }
}
