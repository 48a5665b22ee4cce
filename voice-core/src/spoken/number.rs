//! Plain numbers: integers and decimals, ordinals, years and decades, fractions, ranges, versions.
//!
//! Four digits are a year where the sentence speaks of one and a count where a noun follows ("2026 patients").

use super::cursor::{Cursor, Place, Said, is_one_of, noun_follows};
use super::words::{NAMED_DIGITS, cardinal, each_digit, grouped, ordinal, plural, value, year};

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let first = place.cursor().peek()?;
    if !first.is_ascii_digit() {
        return vulgar(place.cursor()).map(|(words, rest)| rest.said(words));
    }
    fixed(place)
        .or_else(|| fraction(place))
        .or_else(|| version(place))
        .or_else(|| size(place))
        .or_else(|| numeral(place))
        .or_else(|| span_of_years(place))
        .or_else(|| plain(place))
}

/// A number in digits, with its thousands marked or not.
pub(super) struct Amount<'a> {
    pub(super) whole: String,
    pub(super) fraction: &'a str,
    marked: bool,
}

impl<'a> Amount<'a> {
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut whole = cursor.digits().to_owned();
        if whole.is_empty() {
            return None;
        }
        let mut marked = false;
        let mut ahead = *cursor;
        while (marked || whole.len() <= 3) && ahead.take(",") {
            let Some(group) = ahead.exactly(3) else {
                break;
            };
            whole.push_str(group);
            marked = true;
            *cursor = ahead;
        }
        let mut fraction = "";
        let mut ahead = *cursor;
        if ahead.take(".") {
            let digits = ahead.digits();
            let mut behind = ahead;
            let goes_on = behind.take(".") && behind.peek().is_some_and(|c| c.is_ascii_digit());
            if !digits.is_empty() && !goes_on {
                fraction = digits;
                *cursor = ahead;
            }
        }
        Some(Self {
            whole,
            fraction,
            marked,
        })
    }

    /// Of its digits before and behind the point.
    pub(super) fn of(whole: &str, fraction: &'a str) -> Self {
        Self {
            whole: whole.to_owned(),
            fraction,
            marked: false,
        }
    }

    pub(super) fn is_one(&self) -> bool {
        self.fraction.is_empty() && value(&self.whole) == 1
    }

    /// Whether it stands as bare digits, which may be a name rather than a count.
    fn is_bare(&self) -> bool {
        !self.marked && self.fraction.is_empty()
    }

    pub(super) fn words(&self) -> String {
        let whole = integer(&self.whole);
        if self.fraction.is_empty() {
            whole
        } else {
            format!("{whole} point {}", each_digit(self.fraction))
        }
    }
}

/// One number, or the first and the last of a range.
pub(super) struct Span<'a> {
    pub(super) low: Amount<'a>,
    pub(super) high: Option<Amount<'a>>,
}

impl<'a> Span<'a> {
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        let low = Amount::take(cursor)?;
        let mut ahead = *cursor;
        let high = ahead
            .joint()
            .then(|| Amount::take(&mut ahead))
            .flatten()
            .filter(|_| !ahead.goes_on_with_dash());
        if high.is_some() {
            *cursor = ahead;
        }
        Some(Self { low, high })
    }

    pub(super) fn is_one(&self) -> bool {
        self.high.is_none() && self.low.is_one()
    }

    pub(super) fn words(&self) -> String {
        match &self.high {
            Some(high) => format!("{} to {}", self.low.words(), high.words()),
            None => self.low.words(),
        }
    }
}

/// An integer as a count. Digits that lead with zero, and those that no name is long enough for, are read one by one.
fn integer(digits: &str) -> String {
    if (digits.starts_with('0') && digits.len() > 1) || digits.len() > NAMED_DIGITS {
        grouped(digits)
    } else {
        cardinal(value(digits))
    }
}

/// Figures with a name of their own.
fn fixed(place: Place<'_>) -> Option<Said<'_>> {
    const NAMES: [(&str, &str); 6] = [
        ("20/20", "twenty twenty"),
        ("24/7", "twenty-four seven"),
        ("401(k)", "four oh one K"),
        ("401k", "four oh one K"),
        ("50-50", "fifty-fifty"),
        ("50/50", "fifty-fifty"),
    ];
    NAMES.into_iter().find_map(|(written, words)| {
        let mut cursor = place.cursor();
        (cursor.take(written) && cursor.ends_number()).then(|| cursor.said(words.to_owned()))
    })
}

/// "1/2", "1 1/2", "1½", "4.5/5", "120/80".
fn fraction(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let first = Amount::take(&mut cursor)?;
    if let Some((part, rest)) = vulgar(cursor) {
        return Some(rest.said(mixed(&first, &part)));
    }
    let mut ahead = cursor;
    if (ahead.space() || ahead.dash())
        && first.is_bare()
        && let Some((part, rest)) = proper(ahead).or_else(|| vulgar(ahead))
    {
        return Some(rest.said(mixed(&first, &part)));
    }
    if let Some((part, rest)) = proper(place.cursor())
        && !rates(rest)
    {
        return Some(rest.said(part));
    }
    if !cursor.take("/") {
        return None;
    }
    let second = Amount::take(&mut cursor)?;
    let mut behind = cursor;
    if !cursor.ends_word() || behind.take("/") {
        return None;
    }
    let least = value(&first.whole) <= value(&second.whole);
    let joint = if least { "out of" } else { "over" };
    Some(cursor.said(format!("{} {joint} {}", first.words(), second.words())))
}

/// Whether what is counted in a rating follows: "4/5 stars".
fn rates(mut cursor: Cursor<'_>) -> bool {
    const COUNTED: [&str; 6] = ["points", "rating", "ratings", "score", "star", "stars"];
    cursor.space();
    is_one_of(cursor.letters(), &COUNTED)
}

fn mixed(whole: &Amount<'_>, part: &str) -> String {
    let part = match part {
        "one half" => "a half",
        "one quarter" => "a quarter",
        other => other,
    };
    format!("{} and {part}", whole.words())
}

/// Less than one, by a denominator that people use.
fn proper(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    const DENOMINATORS: [u64; 11] = [2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 100];
    let above = cursor.digits();
    let slash = cursor.take("/") || cursor.take("⁄");
    let below = cursor.digits();
    let ends = slash && above.len() <= 2 && below.len() <= 3 && cursor.ends_number();
    let (above, below) = (value(above), value(below));
    if !ends || above == 0 || above >= below || !DENOMINATORS.contains(&below) {
        return None;
    }
    let part = match below {
        2 => "half".to_owned(),
        4 => "quarter".to_owned(),
        other => ordinal(other),
    };
    let part = if above == 1 { part } else { plural(&part) };
    Some((format!("{} {part}", cardinal(above)), cursor))
}

/// A fraction that is one character.
fn vulgar(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    const NAMES: [(&str, &str); 11] = [
        ("¼", "one quarter"),
        ("½", "one half"),
        ("¾", "three quarters"),
        ("⅓", "one third"),
        ("⅔", "two thirds"),
        ("⅕", "one fifth"),
        ("⅖", "two fifths"),
        ("⅛", "one eighth"),
        ("⅜", "three eighths"),
        ("⅝", "five eighths"),
        ("⅞", "seven eighths"),
    ];
    let (_, words) = NAMES
        .into_iter()
        .find(|(written, _)| cursor.take(written))?;
    Some((words.to_owned(), cursor))
}

/// "1.2.3", and three numbers with slashes that are no date.
fn version(place: Place<'_>) -> Option<Said<'_>> {
    [(".", " point "), ("/", " slash ")]
        .into_iter()
        .find_map(|(mark, joint)| {
            let mut cursor = place.cursor();
            let mut parts = vec![integer(cursor.digits())];
            let mut ahead = cursor;
            while ahead.take(mark) {
                let digits = ahead.digits();
                if digits.is_empty() {
                    break;
                }
                parts.push(integer(digits));
                cursor = ahead;
            }
            (parts.len() > 2 && cursor.ends_word()).then(|| cursor.said(parts.join(joint)))
        })
}

/// "10x12", "10 x 12": the first number and the sign.
fn size(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let first = Amount::take(&mut cursor)?;
    let before = cursor.space();
    let sign = cursor.take_one(|c| matches!(c, 'x' | 'X' | '×'));
    let behind = cursor.space();
    let second = cursor.peek().is_some_and(|c| c.is_ascii_digit());
    (sign && before == behind && second).then(|| cursor.said(format!("{} by ", first.words())))
}

/// A number with letters of its own: "1st", "1980s", "10k", "2x", "4B".
fn numeral(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let amount = Amount::take(&mut cursor)?;
    let apostrophe = cursor.take("'") || cursor.take("’");
    let letters = cursor.letters();
    if letters.is_empty() || !cursor.ends_word() {
        return None;
    }
    let number = value(&amount.whole);
    let named = amount.whole.len() <= NAMED_DIGITS && amount.fraction.is_empty();
    let words = match letters {
        "s" if named && number.is_multiple_of(10) && (20..100).contains(&number) => {
            plural(&cardinal(number))
        }
        "s" if amount.is_bare() && number.is_multiple_of(10) && (1800..2100).contains(&number) => {
            plural(&year(number))
        }
        _ if apostrophe => return None,
        "k" => format!("{} K", amount.words()),
        "x" => format!("{} times", amount.words()),
        _ => match letters.to_ascii_lowercase().as_str() {
            "st" | "nd" | "rd" | "th" if named => ordinal(number),
            _ if letters.len() == 1 && letters.starts_with(|c: char| c.is_ascii_uppercase()) => {
                format!("{} {letters}", amount.words())
            }
            _ => return None,
        },
    };
    Some(cursor.said(words))
}

/// "2019-2024", "2019–24"
fn span_of_years(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let first = cursor.exactly(4).map(value)?;
    let joined = cursor.joint();
    let second = cursor.digits();
    let last = match second.len() {
        2 => (first / 100)
            .saturating_mul(100)
            .saturating_add(value(second)),
        4 => value(second),
        _ => return None,
    };
    let years = 1800..2100;
    let both = joined && years.contains(&first) && years.contains(&last) && first < last;
    // "1900-2000 people"
    let counts = second.len() == 4 && noun_follows(cursor.rest());
    (both && !counts && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| cursor.said(format!("{} to {}", year(first), year(last))))
}

/// A number or a range, with nothing about it.
fn plain(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let mut span = Span::take(&mut cursor)?;
    if span.high.is_some() && !cursor.ends_number() {
        // The second number is the beginning of something else.
        cursor = place.cursor();
        span = Span {
            low: Amount::take(&mut cursor)?,
            high: None,
        };
    }
    if !cursor.ends_word() {
        return None;
    }
    let number = value(&span.low.whole);
    let words = if span.high.is_none()
        && span.low.is_bare()
        && span.low.whole.len() == 4
        && is_year(place, number, cursor.rest())
    {
        year(number)
    } else {
        span.words()
    };
    Some(cursor.said(words))
}

/// Whether four digits are a year, by the words around them.
fn is_year(place: Place<'_>, number: u64, behind: &str) -> bool {
    const BEFORE: [&str; 24] = [
        "after",
        "before",
        "by",
        "circa",
        "class",
        "during",
        "early",
        "est",
        "established",
        "fall",
        "founded",
        "from",
        "in",
        "late",
        "mid",
        "of",
        "since",
        "spring",
        "summer",
        "through",
        "till",
        "until",
        "winter",
        "year",
    ];
    const DETERMINERS: [&str; 5] = ["my", "our", "the", "this", "your"];
    let previous = place.previous().to_ascii_lowercase();
    let spoken_of = is_one_of(&previous, &BEFORE);
    let described = is_one_of(&previous, &DETERMINERS);
    match number {
        1700..1900 => spoken_of && !noun_follows(behind),
        1900..2100 => spoken_of || described || !noun_follows(behind),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn integers_and_decimals() {
        check(&[
            ("We have 3 rooms.", "We have three rooms."),
            ("1,200 people", "one thousand two hundred people"),
            ("It was 98.6 today", "It was ninety-eight point six today"),
            ("0.05", "zero point zero five"),
            ("10,000,000", "ten million"),
            ("about 1.5 million", "about one point five million"),
            ("take 3, 4 or 5", "take three, four or five"),
            ("1,23", "one,twenty-three"),
            ("007", "zero zero seven"),
            ("version 1.2.3", "version one point two point three"),
            ("40/50/60", "forty slash fifty slash sixty"),
            ("a 10k run", "a ten K run"),
            ("seat 4B", "seat four B"),
            ("2x a day", "two times a day"),
            ("an mp3", "an mp3"),
            ("COVID-19", "COVID-nineteen"),
        ]);
    }

    #[test]
    fn ordinals() {
        check(&[
            ("the 1st", "the first"),
            ("our 22nd year", "our twenty-second year"),
            ("3rd-floor", "third-floor"),
            ("12TH", "twelfth"),
            ("1,000th", "one thousandth"),
        ]);
    }

    #[test]
    fn years() {
        check(&[
            ("in 1999", "in nineteen ninety-nine"),
            ("in 2026", "in twenty twenty-six"),
            ("2026 patients", "two thousand twenty-six patients"),
            ("since 2008.", "since two thousand eight."),
            ("Founded 1905", "Founded nineteen oh five"),
            ("our 2026 calendar", "our twenty twenty-six calendar"),
            ("2026 at nine", "twenty twenty-six at nine"),
            ("2000 people", "two thousand people"),
            ("the 1980s", "the nineteen eighties"),
            ("the '80s", "the 'eighties"),
            ("2010s", "twenty tens"),
            ("2019–2024", "twenty nineteen to twenty twenty-four"),
            (
                "2026-27 benefits",
                "twenty twenty-six to twenty twenty-seven benefits",
            ),
            ("2019-24", "twenty nineteen to twenty twenty-four"),
            ("1500 people", "one thousand five hundred people"),
            ("in 1850", "in eighteen fifty"),
            ("1850 steps", "one thousand eight hundred fifty steps"),
        ]);
    }

    #[test]
    fn ranges_and_fractions() {
        check(&[
            ("3-5 days", "three to five days"),
            ("3 – 5 days", "three to five days"),
            ("1.5-2 cups", "one point five to two cups"),
            ("1/2 cup", "one half cup"),
            ("3/4 of it", "three quarters of it"),
            ("2/3", "two thirds"),
            ("1 1/2 hours", "one and a half hours"),
            ("2½ hours", "two and a half hours"),
            ("½ price", "one half price"),
            ("rated 4.8/5", "rated four point eight out of five"),
            ("a 5/5", "a five out of five"),
            ("4/5 stars", "four out of five stars"),
            ("a 10x12 room, 8 x 10", "a ten by twelve room, eight by ten"),
            ("120/80", "one hundred twenty over eighty"),
            ("open 24/7", "open twenty-four seven"),
            ("50/50", "fifty-fifty"),
        ]);
    }
}
