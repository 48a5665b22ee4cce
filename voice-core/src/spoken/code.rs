//! Digits that name something and count nothing: confirmation numbers, ZIP codes, cards, letters and digits together.
//! They are read one by one, in groups.
//!
//! Five and six digits without a comma are a name unless they are round; seven and more always are. Fewer are one
//! behind a word such as "code", unless a noun follows ("order 300 masks").

use super::cursor::{Cursor, Place, Said, is_one_of, noun_follows};
use super::words::{each_digit, grouped};

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let first = place.cursor().peek()?;
    if !first.is_ascii_digit() && !first.is_ascii_uppercase() {
        return None;
    }
    short_number(place)
        .or_else(|| digits(place))
        .or_else(|| dashed(place))
        .or_else(|| mixed(place))
}

/// "911"
fn short_number(place: Place<'_>) -> Option<Said<'_>> {
    const NUMBERS: [&str; 6] = ["211", "311", "411", "511", "911", "988"];
    const VERBS: [&str; 7] = [
        "call", "calling", "dial", "dialing", "or", "text", "texting",
    ];
    let mut cursor = place.cursor();
    let digits = cursor.digits();
    let asked = is_one_of(&place.previous().to_ascii_lowercase(), &VERBS);
    let known = is_one_of(digits, &NUMBERS) && (asked || digits == "911");
    (known && cursor.ends_number() && !noun_follows(cursor.rest()))
        .then(|| cursor.said(each_digit(digits)))
}

fn digits(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let digits = cursor.digits();
    let mut behind = cursor;
    let marked = behind.take(",") && behind.exactly(3).is_some();
    let name = match digits.len() {
        0..=2 => false,
        3 | 4 => is_announced(place, cursor),
        5 | 6 => !digits.ends_with("00") || is_announced(place, cursor),
        _ => true,
    };
    (name && !marked && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| cursor.said(grouped(digits)))
}

/// Groups that a dash joins, unless they are a range: three or more of them, or long ones.
fn dashed(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let mut groups = Vec::new();
    let mut figures = 0_usize;
    loop {
        let group = cursor.digits();
        if group.is_empty() {
            return None;
        }
        figures = figures.saturating_add(group.len());
        groups.push(grouped(group));
        if !cursor.goes_on_with_dash() {
            break;
        }
        cursor.dash();
    }
    // Two years are eight digits.
    let name =
        groups.len() > 2 || (groups.len() == 2 && (figures > 8 || is_announced(place, cursor)));
    (name && cursor.ends_number()).then(|| cursor.said(groups.join(", ")))
}

/// "VX4821", "AB-204-C"
fn mixed(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let mut groups = Vec::new();
    let (mut letters, mut figures) = (0_usize, 0_usize);
    loop {
        let word = cursor.take_while(|c| c.is_ascii_uppercase());
        let digits = cursor.digits();
        if word.is_empty() && digits.is_empty() {
            break;
        }
        letters = letters.saturating_add(word.len());
        figures = figures.saturating_add(digits.len());
        if !word.is_empty() {
            groups.push(spelled(word));
        }
        if !digits.is_empty() {
            groups.push(grouped(digits));
        }
        let mut ahead = cursor;
        if ahead.dash() && ahead.peek().is_some_and(is_of_a_code) {
            cursor = ahead;
        }
    }
    let name = letters > 0 && figures > 0 && (figures > 2 || is_announced(place, cursor));
    (name && cursor.ends_number()).then(|| cursor.said(groups.join(", ")))
}

fn is_of_a_code(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

/// Letters of a code. More than three may be a word.
fn spelled(letters: &str) -> String {
    if letters.len() > 3 {
        return letters.to_owned();
    }
    super::initials::dotted(letters)
}

/// Whether the words in front say that a code comes.
fn is_announced(place: Place<'_>, behind: Cursor<'_>) -> bool {
    const WORDS: [&str; 32] = [
        "account",
        "acct",
        "booking",
        "case",
        "claim",
        "code",
        "confirmation",
        "ending",
        "ends",
        "ext",
        "extension",
        "flight",
        "id",
        "invoice",
        "license",
        "member",
        "no",
        "number",
        "order",
        "passcode",
        "password",
        "phone",
        "pin",
        "policy",
        "ref",
        "reference",
        "reservation",
        "serial",
        "ticket",
        "tracking",
        "voucher",
        "zip",
    ];
    const LINKS: [&str; 4] = ["in", "is", "was", "with"];
    const STOPPED: [&str; 4] = ["acct.", "ext.", "no.", "ref."];
    let mut words = place
        .previous_words()
        .map(str::to_ascii_lowercase)
        .skip_while(|word| is_one_of(word, &LINKS));
    let before = place.before.trim_end();
    let last = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let same_sentence =
        !before.ends_with(['.', '!', '?']) || is_one_of(&last.to_ascii_lowercase(), &STOPPED);
    same_sentence
        && words.next().is_some_and(|word| is_one_of(&word, &WORDS))
        && !noun_follows(behind.rest())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn digits_that_name_something() {
        check(&[
            ("Your code is 4821.", "Your code is four eight two one."),
            ("code: 4821", "code: four eight two one"),
            (
                "a card ending in 4821",
                "a card ending in four eight two one",
            ),
            (
                "confirmation number 482113",
                "confirmation number four eight two, one one three",
            ),
            ("ZIP code 94103", "ZIP code nine four one zero three"),
            ("PIN 007", "PIN zero zero seven"),
            ("8675309", "eight six seven, five three zero nine"),
            (
                "123-45-6789",
                "one two three, four five, six seven eight nine",
            ),
            ("Call 911", "Call nine one one"),
            ("text 988 now", "text nine eight eight now"),
        ]);
    }

    #[test]
    fn letters_and_digits() {
        check(&[
            ("code VX4821", "code V.X, four eight two one"),
            ("It's AB-204-C.", "It's A.B, two zero four, C."),
            ("ticket A7", "ticket A, seven"),
            ("on I-95", "on I-ninety-five"),
            ("COVID-19", "COVID-nineteen"),
            ("H1N1", "H1N1"),
        ]);
    }

    #[test]
    fn digits_that_count() {
        check(&[
            ("12000 people", "twelve thousand people"),
            ("order 300 masks", "order three hundred masks"),
            ("120,000", "one hundred twenty thousand"),
            ("10560 sq ft", "ten thousand five hundred sixty square feet"),
            ("2026", "twenty twenty-six"),
            ("988 visits", "nine hundred eighty-eight visits"),
        ]);
    }
}
