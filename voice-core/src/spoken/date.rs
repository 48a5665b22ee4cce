//! Dates and the names of days and months.
//!
//! Two numbers with a slash are a date where the words say so ("on 3/4", "Monday, 3/4"), and a fraction where it is one that
//! people use; else a date if there is such a day. Between days Americans say "through".

use super::cursor::{Cursor, Place, Said, full_stop, is_one_of};
use super::words::{ordinal, value, year};

/// Each with the short forms that stand for nothing else.
const MONTHS: [(&str, &[&str]); 12] = [
    ("January", &[]),
    ("February", &["Feb"]),
    ("March", &[]),
    ("April", &["Apr"]),
    ("May", &[]),
    ("June", &[]),
    ("July", &["Jul"]),
    ("August", &["Aug"]),
    ("September", &["Sep", "Sept"]),
    ("October", &["Oct"]),
    ("November", &["Nov"]),
    ("December", &["Dec"]),
];

/// Names and words, unless a number or another month stands beside them.
const DOUBTFUL_MONTHS: [(&str, &str); 3] = [("Jan", "January"), ("Mar", "March"), ("Jun", "June")];

const DAYS: [(&str, &[&str]); 7] = [
    ("Monday", &["Mon"]),
    ("Tuesday", &["Tue", "Tues"]),
    ("Wednesday", &["Wed", "Weds"]),
    ("Thursday", &["Thu", "Thur", "Thurs"]),
    ("Friday", &["Fri"]),
    ("Saturday", &["Sat"]),
    ("Sunday", &["Sun"]),
];

/// Words, unless something beside them says that a day is meant.
const DOUBTFUL_DAYS: [&str; 3] = ["Wed", "Sat", "Sun"];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let first = place.cursor().peek()?;
    if first.is_ascii_digit() {
        iso(place)
            .or_else(|| with_year(place))
            .or_else(|| without_year(place))
            .or_else(|| day_first(place))
    } else if first.is_ascii_uppercase() {
        month_first(place)
            .or_else(|| short_week(place))
            .or_else(|| name(place, day_named, day_is_meant))
            .or_else(|| name(place, month_named, month_is_meant))
    } else {
        None
    }
}

/// Whether the word names a day or a month.
pub(super) fn is_name(word: &str) -> bool {
    day_named(word).is_some() || month_named(word).is_some()
}

fn day_named(word: &str) -> Option<&'static str> {
    find(&DAYS, word)
}

fn month_named(word: &str) -> Option<&'static str> {
    find(&MONTHS, word).or_else(|| {
        DOUBTFUL_MONTHS
            .into_iter()
            .find_map(|(short, name)| (short == word).then_some(name))
    })
}

fn find(names: &[(&'static str, &[&str])], word: &str) -> Option<&'static str> {
    names
        .iter()
        .find_map(|(name, short)| (*name == word || short.contains(&word)).then_some(*name))
}

/// "2026-03-14"
fn iso(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let number = cursor.exactly(4).map(value)?;
    let first = cursor.take("-");
    let month = cursor.exactly(2).map(value)?;
    let second = cursor.take("-");
    let day = cursor.exactly(2).map(value)?;
    let mut words = calendar(month, day)?;
    if !first || !second || !(1800..2200).contains(&number) {
        return None;
    }
    words = format!("{words}, {}", year(number));
    let mut ahead = cursor;
    if ahead.take("T") && ahead.peek().is_some_and(|c| c.is_ascii_digit()) {
        return Some(ahead.said(format!("{words} at ")));
    }
    cursor.ends_number().then(|| cursor.said(words))
}

/// "3/14/2026", "03-14-2026", "3/14/26"
fn with_year(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let first = one_or_two(&mut cursor)?;
    let mark = ["/", "-", "."].into_iter().find(|mark| cursor.take(mark))?;
    let second = one_or_two(&mut cursor)?;
    let separated = cursor.take(mark);
    let digits = cursor.digits();
    let number = match (digits.len(), value(digits)) {
        (4, number @ 1800..2200) => number,
        (2, number @ ..70) if mark == "/" => number.saturating_add(2000),
        (2, number) if mark == "/" => number.saturating_add(1900),
        _ => return None,
    };
    let words = calendar(first, second).or_else(|| calendar(second, first))?;
    (separated && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| cursor.said(format!("{words}, {}", year(number))))
}

/// "3/14", where it is a date.
fn without_year(place: Place<'_>) -> Option<Said<'_>> {
    const BEFORE: [&str; 14] = [
        "after", "before", "by", "date", "dated", "due", "from", "of", "on", "since", "starting",
        "through", "till", "until",
    ];
    const PARTS: [&str; 10] = [
        "cup", "cups", "hour", "hours", "inch", "mile", "miles", "of", "off", "price",
    ];
    let mut cursor = place.cursor();
    let first = one_or_two(&mut cursor)?;
    let slash = cursor.take("/");
    let second = one_or_two(&mut cursor)?;
    let mut behind = cursor;
    if !slash || !cursor.ends_number() || behind.take("/") {
        return None;
    }
    let words = calendar(first, second)?;
    let previous = place.previous();
    let spoken_of = is_one_of(&previous.to_ascii_lowercase(), &BEFORE) || is_name(previous);
    let mut next = cursor;
    next.space();
    let part = is_one_of(next.letters(), &PARTS);
    let fraction =
        first == second || (first < second && matches!(second, 2..=6 | 8 | 10 | 12 | 16));
    if part || (fraction && !spoken_of) {
        return None;
    }
    let mut ahead = cursor;
    if ahead.joint() {
        let mut to = ahead;
        let month = one_or_two(&mut to);
        let slash = to.take("/");
        let day = one_or_two(&mut to);
        let date = month
            .zip(day)
            .and_then(|(month, day)| calendar(month, day))
            .filter(|_| slash && to.ends_number());
        if let Some(date) = date {
            return Some(to.said(format!("{words} through {date}")));
        }
    }
    Some(cursor.said(words))
}

/// "14 March", "14 Mar 2026"
fn day_first(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let day = one_or_two(&mut cursor).filter(|day| (1..=31).contains(day))?;
    let apart = cursor.space();
    let month = month_named(cursor.letters())?;
    cursor.take(".");
    if !apart || !cursor.ends_word() || month == "May" && place.previous() == "" {
        return None;
    }
    let article = if place.previous().eq_ignore_ascii_case("the") {
        ""
    } else {
        "the "
    };
    let mut words = format!("{article}{} of {month}", ordinal(day));
    push_year(&mut words, &mut cursor);
    Some(cursor.said(words))
}

/// "March 14", "Mar. 14th, 2026", "March 14-16", "March 2026"
fn month_first(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let month = month_named(cursor.letters())?;
    cursor.take(".");
    if !cursor.space() {
        return None;
    }
    let mut ahead = cursor;
    if let Some(number) = ahead.exactly(4).map(value)
        && (1800..2200).contains(&number)
        && ahead.ends_number()
        && !ahead.goes_on_with_dash()
    {
        return Some(ahead.said(format!("{month} {}", year(number))));
    }
    let day = day(&mut cursor)?;
    let mut words = format!("{month} {}", ordinal(day));
    let mut ahead = cursor;
    if ahead.joint() {
        let mut to = ahead;
        if let Some(last) = self::day(&mut to) {
            words = format!("{words} through {}", ordinal(last));
            cursor = to;
        } else if month_named(to.letters()).is_some() && to.ends_word() {
            return Some(ahead.said(format!("{words} through ")));
        }
    }
    push_year(&mut words, &mut cursor);
    Some(cursor.said(words))
}

/// "M-F"
fn short_week(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let from = cursor.take("M") || cursor.take("Mo");
    let joined = cursor.dash();
    let to = match cursor.letters() {
        "F" | "Fr" => "Friday",
        "Th" => "Thursday",
        "Sa" => "Saturday",
        "Su" => "Sunday",
        _ => return None,
    };
    (from && joined && cursor.ends_word() && place.after_a_gap())
        .then(|| cursor.said(format!("Monday through {to}")))
}

/// A day or a month alone, in full or short, and what joins it to the next: "Mon–Fri", "Mon/Wed", "Jan - Mar".
fn name<'a>(
    place: Place<'a>,
    named: fn(&str) -> Option<&'static str>,
    is_meant: fn(Place<'_>, &str, Cursor<'_>) -> bool,
) -> Option<Said<'a>> {
    let mut cursor = place.cursor();
    let word = cursor.letters();
    let name = named(word)?;
    let short = name != word;
    let mut behind = cursor;
    let stopped = short && behind.take(".");
    if !cursor.ends_word() {
        return None;
    }
    let mut ahead = behind;
    if ahead.joint() {
        let mut to = ahead;
        if ahead.rest().is_empty() && short {
            return Some(ahead.said(format!("{name} through")));
        }
        if named(to.letters()).is_some() && to.ends_word() {
            return Some(ahead.said(format!("{name} through ")));
        }
    }
    let mut ahead = behind;
    if ahead.take("/") {
        let mut next = ahead;
        if named(next.letters()).is_some() && next.ends_word() {
            return Some(ahead.said(format!("{name}, ")));
        }
    }
    if !short || !(stopped || is_meant(place, word, cursor)) {
        return None;
    }
    let stop = if stopped {
        full_stop(behind.rest())
    } else {
        ""
    };
    Some(behind.said(format!("{name}{stop}")))
}

fn day_is_meant(place: Place<'_>, word: &str, behind: Cursor<'_>) -> bool {
    const BEFORE: [&str; 13] = [
        "and", "by", "each", "every", "last", "next", "on", "or", "other", "this", "through", "to",
        "until",
    ];
    let next = behind.rest().trim_start().chars().next();
    !is_one_of(word, &DOUBTFUL_DAYS)
        || is_one_of(place.previous(), &BEFORE)
        || is_name(place.previous())
        || next.is_some_and(|c| c.is_ascii_digit() || matches!(c, ',' | '&' | ':'))
}

fn month_is_meant(place: Place<'_>, word: &str, _behind: Cursor<'_>) -> bool {
    find(&MONTHS, word).is_some() || month_named(place.previous()).is_some()
}

/// Month and day by their numbers.
fn calendar(month: u64, day: u64) -> Option<String> {
    let at = usize::try_from(month.checked_sub(1)?).ok()?;
    let (name, _) = MONTHS.get(at)?;
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=longest)
        .contains(&day)
        .then(|| format!("{name} {}", ordinal(day)))
}

fn one_or_two(cursor: &mut Cursor<'_>) -> Option<u64> {
    let digits = cursor.digits();
    (1..=2).contains(&digits.len()).then(|| value(digits))
}

/// A day of the month, with or without its ending.
fn day(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut ahead = *cursor;
    let day = one_or_two(&mut ahead).filter(|day| (1..=31).contains(day))?;
    let ending = ahead.letters();
    let whole = matches!(ending, "" | "st" | "nd" | "rd" | "th")
        && ahead.ends_number()
        && ahead.peek() != Some('%');
    if !whole {
        return None;
    }
    *cursor = ahead;
    Some(day)
}

/// The year behind a date.
fn push_year(words: &mut String, cursor: &mut Cursor<'_>) {
    let mut ahead = *cursor;
    ahead.take(",");
    let apart = ahead.space();
    let Some(number) = ahead.exactly(4).map(value) else {
        return;
    };
    if apart && (1800..2200).contains(&number) && ahead.ends_number() && !ahead.goes_on_with_dash()
    {
        words.push_str(", ");
        words.push_str(&year(number));
        *cursor = ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn dates_in_numbers() {
        check(&[
            ("on 3/14", "on March fourteenth"),
            ("on 3/4.", "on March fourth."),
            ("Monday, 3/4", "Monday, March fourth"),
            ("3/14", "March fourteenth"),
            ("3/4 cup", "three quarters cup"),
            ("by 1/2 of it", "by one half of it"),
            ("03/14/2026", "March fourteenth, twenty twenty-six"),
            ("3/14/26", "March fourteenth, twenty twenty-six"),
            ("12/31/1985", "December thirty-first, nineteen eighty-five"),
            ("14/3/2026", "March fourteenth, twenty twenty-six"),
            ("2026-03-14", "March fourteenth, twenty twenty-six"),
            (
                "2026-03-14T09:30",
                "March fourteenth, twenty twenty-six at nine thirty AM",
            ),
            ("3/14-3/16", "March fourteenth through March sixteenth"),
            ("13/32", "thirteen thirty-seconds"),
        ]);
    }

    #[test]
    fn dates_with_the_name_of_the_month() {
        check(&[
            ("March 14th", "March fourteenth"),
            ("Mar. 14", "March fourteenth"),
            (
                "Mar 14, 2026, at 9",
                "March fourteenth, twenty twenty-six, at nine",
            ),
            ("March 14-16", "March fourteenth through sixteenth"),
            ("March 30 – April 2", "March thirtieth through April second"),
            ("March 2026", "March twenty twenty-six"),
            ("on 14 March", "on the fourteenth of March"),
            ("the 14th of March", "the fourteenth of March"),
            ("Sept. 5 at 10:30", "September fifth at ten thirty"),
            ("May 5", "May fifth"),
            ("you may 5 times", "you may five times"),
        ]);
    }

    #[test]
    fn names_of_days_and_months() {
        check(&[
            ("Mon–Fri", "Monday through Friday"),
            ("Mon. - Fri.", "Monday through Friday."),
            ("Monday–Friday", "Monday through Friday"),
            ("M-F 9-5", "Monday through Friday nine to five"),
            ("Mon/Wed/Fri", "Monday, Wednesday, Friday"),
            ("Sat, Sun: closed", "Saturday, Sunday: closed"),
            ("Sat down in the Sun today", "Sat down in the Sun today"),
            ("on Sat we rest", "on Saturday we rest"),
            ("Jan will see you", "Jan will see you"),
            ("Jan–Mar", "January through March"),
            ("in Feb.", "in February."),
            ("until Dec next year", "until December next year"),
            ("Open Mon –", "Open Monday through"),
        ]);
    }
}
