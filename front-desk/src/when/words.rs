//! The words of days and times.

use jiff::civil::Weekday;

use super::PartOfDay;

/// The words of a text: small letters and digits, without punctuation at their ends; "3pm" and "twenty-first" are two.
pub(super) fn split(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let between = |character: char| {
        character.is_whitespace() || matches!(character, ',' | ';' | '(' | ')' | '"')
    };
    text.split(between)
        .flat_map(hyphenated)
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()))
        .flat_map(without_half)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn hyphenated(word: &str) -> Vec<&str> {
    if word.contains(|character: char| character.is_ascii_digit()) {
        vec![word]
    } else {
        word.split('-').collect()
    }
}

/// "3pm" to "3", "pm".
fn without_half(word: &str) -> Vec<&str> {
    let half = ["am", "pm", "a.m", "p.m"]
        .iter()
        .find_map(|half| word.strip_suffix(half).map(|time| (time, *half)));
    match half {
        Some((time, half)) if time.ends_with(|last: char| last.is_ascii_digit()) => {
            vec![time, half]
        }
        _ => vec![word],
    }
}

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    Some(match word {
        "mon" | "monday" | "mondays" => Weekday::Monday,
        "tue" | "tues" | "tuesday" | "tuesdays" => Weekday::Tuesday,
        "wed" | "weds" | "wednesday" | "wednesdays" => Weekday::Wednesday,
        "thu" | "thur" | "thurs" | "thursday" | "thursdays" => Weekday::Thursday,
        "fri" | "friday" | "fridays" => Weekday::Friday,
        "sat" | "saturday" | "saturdays" => Weekday::Saturday,
        "sun" | "sunday" | "sundays" => Weekday::Sunday,
        _ => return None,
    })
}

/// "December", "dec", "sept".
pub(super) fn month(word: &str) -> Option<i8> {
    let is =
        |month: &str| month == word || ((3..=4).contains(&word.len()) && month.starts_with(word));
    let index = MONTHS.iter().position(|month| is(month))?;
    i8::try_from(index.saturating_add(1)).ok()
}

pub(super) fn part(word: &str) -> Option<PartOfDay> {
    Some(match word {
        "morning" | "mornings" => PartOfDay::Morning,
        "afternoon" | "afternoons" => PartOfDay::Afternoon,
        "evening" | "evenings" | "night" | "tonight" => PartOfDay::Evening,
        _ => return None,
    })
}

/// A number in at most four digits, or in one word.
pub(super) fn number(word: &str) -> Option<u16> {
    if (1..=4).contains(&word.len()) && is_digits(word) {
        return word.parse().ok();
    }
    let index = NUMBERS.iter().position(|number| *number == word);
    index
        .and_then(|index| u16::try_from(index.saturating_add(1)).ok())
        .or_else(|| tens(word))
}

/// "twenty" to "fifty".
pub(super) fn tens(word: &str) -> Option<u16> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" => 40,
        "fifty" => 50,
        _ => return None,
    })
}

/// "5th", "fifth", "thirtieth".
pub(super) fn ordinal(word: &str) -> Option<u16> {
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending));
    if let Some(digits) =
        digits.filter(|digits| (1..=2).contains(&digits.len()) && is_digits(digits))
    {
        return digits.parse().ok();
    }
    if word == "thirtieth" {
        return Some(30);
    }
    let index = ORDINALS.iter().position(|ordinal| *ordinal == word)?;
    u16::try_from(index.saturating_add(1)).ok()
}

/// An hour as it is said: "three", "12".
pub(super) fn hour(word: &str) -> Option<u16> {
    number(word).filter(|hour| (1..=12).contains(hour))
}

pub(super) fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "day" | "days" | "fortnight" | "fortnights" | "month" | "months" | "week" | "weeks"
    )
}

/// Words that tell nothing of when.
pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word)
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const NUMBERS: [&str; 19] = [
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

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// "Any time", "as soon as possible" and the like tell that nothing is wanted in particular. Words that change a meaning ("not", "after",
/// "or") are not here.
const FILLERS: [&str; 41] = [
    "a",
    "about",
    "any",
    "anytime",
    "around",
    "as",
    "asap",
    "at",
    "available",
    "coming",
    "day",
    "do",
    "earliest",
    "early",
    "exactly",
    "fine",
    "for",
    "free",
    "in",
    "just",
    "late",
    "later",
    "let's",
    "like",
    "maybe",
    "mid",
    "o'clock",
    "oclock",
    "of",
    "okay",
    "on",
    "please",
    "possible",
    "say",
    "sharp",
    "soon",
    "the",
    "time",
    "upcoming",
    "whenever",
    "with",
];
