//! Numbers as words.
//!
//! No "and" inside a number, as in American English. Zero is "zero" where a caller may write it down (codes, telephone
//! numbers: "oh" is also a letter) and "oh" where nothing can be confused (times, years, house numbers).

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

const SCALES: [(u64, &str); 4] = [
    (1_000_000_000_000, " trillion"),
    (1_000_000_000, " billion"),
    (1_000_000, " million"),
    (1_000, " thousand"),
];

/// More digits than this have no name that people use.
pub(super) const NAMED_DIGITS: usize = 15;

pub(super) fn cardinal(number: u64) -> String {
    let mut parts = Vec::new();
    for (scale, name) in SCALES {
        let count = number.checked_div(scale).unwrap_or_default() % 1_000;
        if count > 0 {
            parts.push(below_thousand(count) + name);
        }
    }
    let last = number % 1_000;
    if last > 0 || parts.is_empty() {
        parts.push(below_thousand(last));
    }
    parts.join(" ")
}

pub(super) fn ordinal(number: u64) -> String {
    let words = cardinal(number);
    let start = words.rfind([' ', '-']).map_or(0, |at| at.saturating_add(1));
    let (front, last) = words.split_at_checked(start).unwrap_or(("", &words));
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        regular => regular
            .strip_suffix('y')
            .map_or_else(|| format!("{regular}th"), |stem| format!("{stem}ieth")),
    };
    format!("{front}{last}")
}

/// Digit by digit.
pub(super) fn each_digit(digits: &str) -> String {
    let names: Vec<&str> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .map(|digit| name(&SMALL, u64::from(digit)))
        .collect();
    names.join(" ")
}

/// Digit by digit in groups that can be repeated and written down, with a pause between them: threes, the last of them
/// fours where that comes out even; up to five digits are one group.
pub(super) fn grouped(digits: &str) -> String {
    let mut groups = Vec::new();
    let mut left = digits;
    while !left.is_empty() {
        let length = match left.len() {
            short @ ..=5 => short,
            count if digits.len().is_multiple_of(4) || count == 8 => 4,
            _ => 3,
        };
        let (group, rest) = left.split_at_checked(length).unwrap_or((left, ""));
        groups.push(each_digit(group));
        left = rest;
    }
    groups.join(", ")
}

/// A year as it is named: "nineteen ninety-nine", "two thousand eight", "twenty twenty-six".
pub(super) fn year(number: u64) -> String {
    let century = number / 100;
    match number % 100 {
        0 if century.is_multiple_of(10) => cardinal(number),
        0 => format!("{} hundred", below_hundred(century)),
        ones @ 1..=9 if century == 20 => format!("two thousand {}", below_hundred(ones)),
        rest => format!("{} {}", below_hundred(century), with_oh(rest)),
    }
}

/// The number of a house, a suite or a room: in pairs, as people give their address.
pub(super) fn house(digits: &str) -> String {
    let number = value(digits);
    let hundreds = number / 100;
    if digits.starts_with('0') || digits.len() > 4 {
        return grouped(digits);
    }
    match (digits.len(), number % 100) {
        (..=2, _) => cardinal(number),
        (4, 0) if !hundreds.is_multiple_of(10) => format!("{} hundred", below_hundred(hundreds)),
        (_, 0) => cardinal(number),
        (_, rest) => format!("{} {}", below_hundred(hundreds), with_oh(rest)),
    }
}

/// Minutes, or the end of a year: "oh five", "thirty".
pub(super) fn with_oh(number: u64) -> String {
    if number < 10 {
        format!("oh {}", below_hundred(number))
    } else {
        below_hundred(number)
    }
}

/// More than one of what the word names.
pub(super) fn plural(word: &str) -> String {
    if let Some(stem) = word.strip_suffix('y') {
        format!("{stem}ies")
    } else if word.ends_with('x') {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

/// The value of up to [`NAMED_DIGITS`] digits.
pub(super) fn value(digits: &str) -> u64 {
    digits.parse().unwrap_or_default()
}

fn below_thousand(number: u64) -> String {
    match (number / 100, number % 100) {
        (0, rest) => below_hundred(rest),
        (hundreds, 0) => format!("{} hundred", name(&SMALL, hundreds)),
        (hundreds, rest) => format!("{} hundred {}", name(&SMALL, hundreds), below_hundred(rest)),
    }
}

fn below_hundred(number: u64) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => name(&SMALL, number).to_owned(),
        (tens, 0) => name(&TENS, tens).to_owned(),
        (tens, ones) => format!("{}-{}", name(&TENS, tens), name(&SMALL, ones)),
    }
}

fn name(table: &[&'static str], at: u64) -> &'static str {
    usize::try_from(at)
        .ok()
        .and_then(|at| table.get(at))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cardinals() {
        for (number, words) in [
            (0, "zero"),
            (13, "thirteen"),
            (20, "twenty"),
            (42, "forty-two"),
            (100, "one hundred"),
            (305, "three hundred five"),
            (1_000, "one thousand"),
            (1_200, "one thousand two hundred"),
            (10_017, "ten thousand seventeen"),
            (2_000_001, "two million one"),
            (
                999_999_999_999_999,
                "nine hundred ninety-nine trillion nine hundred ninety-nine billion nine hundred ninety-nine million \
                 nine hundred ninety-nine thousand nine hundred ninety-nine",
            ),
        ] {
            assert_eq!(cardinal(number), words);
        }
    }

    #[test]
    fn ordinals() {
        for (number, words) in [
            (1, "first"),
            (2, "second"),
            (3, "third"),
            (4, "fourth"),
            (8, "eighth"),
            (12, "twelfth"),
            (20, "twentieth"),
            (22, "twenty-second"),
            (31, "thirty-first"),
            (100, "one hundredth"),
            (105, "one hundred fifth"),
        ] {
            assert_eq!(ordinal(number), words);
        }
    }

    #[test]
    fn years() {
        for (number, words) in [
            (1776, "seventeen seventy-six"),
            (1900, "nineteen hundred"),
            (1905, "nineteen oh five"),
            (1999, "nineteen ninety-nine"),
            (2000, "two thousand"),
            (2008, "two thousand eight"),
            (2010, "twenty ten"),
            (2026, "twenty twenty-six"),
        ] {
            assert_eq!(year(number), words);
        }
    }

    #[test]
    fn houses() {
        for (digits, words) in [
            ("7", "seven"),
            ("42", "forty-two"),
            ("100", "one hundred"),
            ("105", "one oh five"),
            ("123", "one twenty-three"),
            ("1200", "twelve hundred"),
            ("1204", "twelve oh four"),
            ("1234", "twelve thirty-four"),
            ("2000", "two thousand"),
            ("12345", "one two three four five"),
            ("007", "zero zero seven"),
        ] {
            assert_eq!(house(digits), words);
        }
    }

    #[test]
    fn digits_in_groups() {
        for (digits, groups) in [
            ("94103", "nine four one zero three"),
            ("482113", "four eight two, one one three"),
            ("5550100", "five five five, zero one zero zero"),
            ("12345678", "one two three four, five six seven eight"),
            (
                "5551234567",
                "five five five, one two three, four five six seven",
            ),
            (
                "15551234567",
                "one five five, five one two three, four five six seven",
            ),
        ] {
            assert_eq!(grouped(digits), groups);
        }
    }
}
