//! Signs between words and numbers.

use super::cursor::{Place, Said, is_dash, meaning};
use super::date;

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let sign = cursor.peek()?;
    cursor.take_one(|_| true);
    if sign == 'x' && place.last() == Some(' ') {
        // "12 feet x 10 feet"
        let number = cursor.space() && cursor.peek().is_some_and(|c| c.is_ascii_digit());
        return number.then(|| cursor.said("by ".to_owned()));
    }
    if sign.is_alphanumeric() || sign.is_whitespace() {
        return None;
    }
    // A row of the same sign is a decoration, or stands for what must not be said.
    if place.last() == Some(sign) || cursor.peek() == Some(sign) {
        return None;
    }
    let next = cursor.peek();
    let number_follows = next.is_some_and(|c| c.is_ascii_digit() || matches!(c, '$' | '€' | '£'));
    let mut behind = cursor;
    let spaced = behind.space();
    let number_follows_space = spaced && behind.peek().is_some_and(|c| c.is_ascii_digit());
    let after_number = place
        .before
        .trim_end()
        .ends_with(|c: char| c.is_ascii_digit());
    let digit_before = place.last().is_some_and(|c| c.is_ascii_digit());
    let gap = place.after_a_gap();
    let words = match sign {
        '&' => " and ",
        '@' => " at ",
        '+' if gap && number_follows => "plus ",
        '+' => " plus ",
        '=' => " equals ",
        '×' => " times ",
        '÷' => " divided by ",
        '±' => " plus or minus ",
        '≈' => " about ",
        '~' if number_follows => " about ",
        '≤' => " at most ",
        '≥' => " at least ",
        '<' if number_follows || number_follows_space => " less than ",
        '>' if number_follows || number_follows_space => " more than ",
        '*' if after_number && (number_follows || number_follows_space) => " times ",
        '%' if after_number => " percent",
        '°' => " degrees",
        '#' if number_follows => "number ",
        '#' if gap && !cursor.rest().starts_with(char::is_alphanumeric) => "pound",
        '™' | '®' | '©' => " ",
        '•' | '·' => ",",
        '|' => ",",
        '§' => "section ",
        '.' if gap && number_follows => "point ",
        '/' => return slash(place),
        _ if is_dash(sign) && gap && number_follows => "minus ",
        '-' if gap && !place.before.trim().is_empty() && next == Some(' ') => "–",
        _ => return None,
    };
    let attached = digit_before && sign == '#';
    let words = fitted(words, place, cursor.rest());
    (!attached).then(|| cursor.said(words))
}

/// Between words, "or"; before a measure, "per".
fn slash(place: Place<'_>) -> Option<Said<'_>> {
    const MEASURES: [(&str, &str); 22] = [
        ("child", "child"),
        ("class", "class"),
        ("day", "day"),
        ("ea", "each"),
        ("hour", "hour"),
        ("hr", "hour"),
        ("lb", "pound"),
        ("mi", "mile"),
        ("mile", "mile"),
        ("min", "minute"),
        ("minute", "minute"),
        ("mo", "month"),
        ("month", "month"),
        ("night", "night"),
        ("person", "person"),
        ("session", "session"),
        ("unit", "unit"),
        ("visit", "visit"),
        ("week", "week"),
        ("wk", "week"),
        ("year", "year"),
        ("yr", "year"),
    ];
    let mut cursor = place.cursor();
    cursor.take("/");
    if cursor.rest().starts_with(['$', '€', '£']) {
        return Some(cursor.said(" or ".to_owned()));
    }
    let mut behind = cursor;
    let word = behind.letters();
    let before = place
        .before
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let counted = before.ends_with(|c: char| c.is_ascii_digit()) || is_short_measure(before);
    if behind.ends_word()
        && let Some(name) = meaning(word, &MEASURES)
        && (counted || place.last().is_some_and(|c| matches!(c, '%' | ')')))
    {
        return Some(behind.said(format!(" per {name}")));
    }
    if before.is_empty() || word.is_empty() {
        return None;
    }
    let words = if before.eq_ignore_ascii_case("and") || before.len().min(word.len()) == 1 {
        " "
    } else if date::is_name(before) || date::is_name(word) {
        ", "
    } else {
        " or "
    };
    Some(cursor.said(words.to_owned()))
}

/// What a number may be measured in before "per": "2x/day", "10 mg/day".
fn is_short_measure(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    matches!(
        unit,
        "k" | "K" | "M" | "mg" | "ml" | "mL" | "g" | "mi" | "x"
    )
}

/// The words with the spaces they need, and no more.
fn fitted(words: &str, place: Place<'_>, behind: &str) -> String {
    let mut words = words;
    if place.before.is_empty() || place.before.ends_with(char::is_whitespace) {
        words = words.trim_start();
    }
    if behind.is_empty()
        || behind.starts_with(|c: char| c.is_whitespace() || c.is_ascii_punctuation())
    {
        words = words.trim_end();
    }
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn signs() {
        check(&[
            ("Smith & Sons", "Smith and Sons"),
            ("Q&A", "Q and A"),
            ("@ 3pm", "at three PM"),
            ("#3", "number three"),
            ("press #", "press pound"),
            ("#4821", "number four thousand eight hundred twenty-one"),
            ("5+ years", "five plus years"),
            ("2 + 2 = 4", "two plus two equals four"),
            ("a~b", "a~b"),
            ("~30 minutes", "about thirty minutes"),
            ("<5 days", "less than five days"),
            ("> 5", "more than five"),
            ("3 * 4", "three times four"),
            ("3×4", "three by four"),
            ("Invisalign® aligners", "Invisalign aligners"),
            ("12 ft x 10 ft", "twelve feet by ten feet"),
            ("-5", "minus five"),
            (".5", "point five"),
            ("Dr. Lee - our dentist", "Doctor Lee – our dentist"),
            ("well-known", "well-known"),
            ("====", "===="),
            ("...", "..."),
        ]);
    }

    #[test]
    fn slashes() {
        check(&[
            ("and/or", "and or"),
            ("he/she", "he or she"),
            ("morning/afternoon", "morning or afternoon"),
            ("60/hr", "sixty per hour"),
            ("2x/day", "two times per day"),
            ("A/C", "A C"),
            ("$20/$40", "twenty dollars or forty dollars"),
            ("a / b", "a / b"),
        ]);
    }
}
