//! Abbreviations with a word behind them. Where the full stop may also be the sentence's, it stays.

use super::cursor::{Cursor, Place, Said, full_stop, is_capitalised, meaning};

/// How an abbreviation is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With or without its full stop.
    Any,
    /// As it stands: its marks are in the table.
    Exact,
    /// With or without its full stop, which is never the sentence's: something must follow.
    Leading,
    /// With its full stop only: without it, it is a word.
    Stopped,
}

use Form::{Any, Exact, Leading, Stopped};

const WORDS: [(&str, &str, Form); 33] = [
    ("a.k.a.", "also known as", Exact),
    ("a.m.", "AM", Exact),
    ("aka", "also known as", Exact),
    ("appt", "appointment", Any),
    ("appts", "appointments", Any),
    ("approx", "approximately", Leading),
    ("assn", "association", Any),
    ("attn", "attention", Leading),
    ("b/c", "because", Exact),
    ("bros", "brothers", Stopped),
    ("c/o", "care of", Exact),
    ("corp", "corporation", Stopped),
    ("dept", "department", Any),
    ("e.g.", "for example", Exact),
    ("esp", "especially", Stopped),
    ("etc", "et cetera", Any),
    ("govt", "government", Any),
    ("i.e.", "that is", Exact),
    ("inc", "incorporated", Stopped),
    ("incl", "including", Leading),
    ("intl", "international", Any),
    ("jr", "junior", Stopped),
    ("ltd", "limited", Stopped),
    ("max", "maximum", Stopped),
    ("misc", "miscellaneous", Any),
    ("n/a", "not applicable", Exact),
    ("p.m.", "PM", Exact),
    ("sr", "senior", Stopped),
    ("tel", "telephone", Stopped),
    ("vs", "versus", Leading),
    ("w/o", "without", Exact),
    ("w/", "with ", Exact),
    ("yrs", "years", Any),
];

/// Before a name.
const TITLES: [(&str, &str); 12] = [
    ("Dr", "Doctor"),
    ("Fr", "Father"),
    ("Ft", "Fort"),
    ("Gov", "Governor"),
    ("Hon", "Honorable"),
    ("Mr", "Mister"),
    ("Mrs", "Missus"),
    ("Ms", "Ms"),
    ("Mt", "Mount"),
    ("Prof", "Professor"),
    ("Rev", "Reverend"),
    ("St", "Saint"),
];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    if !place.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    title(place)
        .or_else(|| numbered(place))
        .or_else(|| word(place))
}

/// "Dr. Reyes", "Mr Smith"
fn title(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let letters = cursor.letters();
    let long = meaning(letters, &TITLES)?;
    let stopped = cursor.take(".");
    let mut behind = cursor;
    let named = behind.space()
        && (behind.peek().is_some_and(char::is_uppercase)
            || behind.take("and M")
            || behind.take("& M"));
    // At the end of a piece the name may still come.
    let cut = stopped && behind.rest().is_empty();
    let of_the_voice = matches!(letters, "Fr" | "Ft" | "Hon" | "Mt") && !stopped;
    (cursor.ends_word() && (named || cut) && !of_the_voice).then(|| cursor.said(long.to_owned()))
}

/// "No. 3", "Nos. 3 and 4", "ext. 204", "Fig. 2"
fn numbered(place: Place<'_>) -> Option<Said<'_>> {
    const NAMES: [(&str, &str); 5] = [
        ("no", "number"),
        ("nos", "numbers"),
        ("ext", "extension"),
        ("fig", "figure"),
        ("p", "page"),
    ];
    let mut cursor = place.cursor();
    let letters = cursor.letters().to_ascii_lowercase();
    let long = meaning(&letters, &NAMES)?;
    let stopped = cursor.take(".");
    let mut behind = cursor;
    behind.space();
    let digit = behind.peek().is_some_and(|c| c.is_ascii_digit());
    (stopped && digit).then(|| cursor.said(long.to_owned()))
}

fn word(place: Place<'_>) -> Option<Said<'_>> {
    WORDS
        .iter()
        .find_map(|(short, long, form)| match_word(place, short, long, *form))
}

fn match_word<'a>(place: Place<'a>, short: &str, long: &str, form: Form) -> Option<Said<'a>> {
    let mut cursor = place.cursor();
    let (written, _) = place.rest.split_at_checked(short.len())?;
    if !written.eq_ignore_ascii_case(short) || !cursor.take(written) || !cursor.ends_word() {
        // "w/" stands before its word without a gap.
        if short != "w/" || !written.eq_ignore_ascii_case(short) {
            return None;
        }
    }
    let stopped = match form {
        Any => takes_stop(&mut cursor),
        Stopped if takes_stop(&mut cursor) => true,
        Stopped => return None,
        Exact => matches!(short, "a.m." | "p.m."),
        Leading => {
            takes_stop(&mut cursor);
            false
        }
    };
    let stop = if stopped {
        full_stop(cursor.rest())
    } else {
        ""
    };
    let long = if is_capitalised(written) && form == Stopped {
        capitalised(long)
    } else {
        long.to_owned()
    };
    let long = if cursor.rest().starts_with(' ') {
        long.trim_end()
    } else {
        &long
    };
    Some(cursor.said(format!("{long}{stop}")))
}

/// The full stop of an abbreviation, which is no ellipsis.
fn takes_stop(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    let stopped = ahead.take(".") && ahead.ends_word() && ahead.peek() != Some('.');
    if stopped {
        *cursor = ahead;
    }
    stopped
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn titles() {
        check(&[
            ("Dr. Reyes", "Doctor Reyes"),
            ("Mr Smith and Mrs. Jones", "Mister Smith and Missus Jones"),
            ("Ms. Lee", "Ms Lee"),
            ("Mr. and Mrs. Lee", "Mister and Missus Lee"),
            ("Mt. Hood", "Mount Hood"),
            ("your Dr. will call", "your Dr. will call"),
            ("Please see Dr.", "Please see Doctor"),
        ]);
    }

    #[test]
    fn words_in_short() {
        check(&[
            ("e.g. a crown", "for example a crown"),
            ("a doctor, i.e., me", "a doctor, that is, me"),
            ("forms, ID, etc. Then", "forms, I.D, et cetera. Then"),
            ("gloves etc.", "gloves et cetera."),
            ("approx. 3 days", "approximately three days"),
            ("Smith vs. Jones", "Smith versus Jones"),
            ("your appt is", "your appointment is"),
            ("w/o pain", "without pain"),
            ("w/ Dr. Lee", "with Doctor Lee"),
            ("w/gloves", "with gloves"),
            ("Smile Inc. opened", "Smile Incorporated opened"),
            ("John Smith Jr. called", "John Smith Junior called"),
            ("the max. dose", "the maximum dose"),
            ("Max is here", "Max is here"),
            ("in the a.m. hours", "in the AM hours"),
            ("No. 3", "number three"),
            ("No. Three are left", "No. Three are left"),
            ("ext. 204", "extension two zero four"),
            ("etc...", "et cetera..."),
            ("a vsop", "a vsop"),
        ]);
    }
}
