//! Telephone numbers, digit by digit in their groups, with a pause between them so that a caller can write along.

use super::cursor::{Cursor, Place, Said, is_one_of};
use super::words::{each_digit, value};

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let first = place.cursor().peek()?;
    if !first.is_ascii_digit() && !matches!(first, '(' | '+') {
        return None;
    }
    let (mut words, cursor) = international(place.cursor())
        .or_else(|| national(place.cursor()))
        .or_else(|| local(place.cursor()))
        .or_else(|| toll_free_word(place.cursor()))?;
    let cursor = match extension(cursor) {
        Some((digits, behind)) => {
            words = format!("{words}, extension {}", each_digit(digits));
            behind
        }
        None => cursor,
    };
    Some(cursor.said(words))
}

/// "+44 20 7946 0958", "+15551234567": E.164 numbers have 7 to 15 digits.
fn international(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    if !cursor.take("+") {
        return None;
    }
    if let Some((words, behind)) = national(cursor) {
        return Some((format!("plus {words}"), behind));
    }
    let mut groups = vec![cursor.digits()];
    let mut ahead = cursor;
    loop {
        separator(&mut ahead);
        let open = ahead.take("(");
        let group = ahead.digits();
        if group.is_empty() || (open && !ahead.take(")")) {
            break;
        }
        groups.push(group);
        cursor = ahead;
    }
    let length: usize = groups.iter().map(|group| group.len()).sum();
    if !(7..=15).contains(&length) || !cursor.ends_number() {
        return None;
    }
    let words = match groups.as_slice() {
        [all] => match all.strip_prefix('1').filter(|rest| rest.len() == 10) {
            Some(number) => format!("one, {}", super::words::grouped(number)),
            None => super::words::grouped(all),
        },
        _ => in_groups(&groups),
    };
    Some((format!("plus {words}"), cursor))
}

/// "(555) 123-4567", "1-800-555-0100", "555.123.4567"
fn national(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let mut groups = Vec::new();
    let mut ahead = cursor;
    if ahead.take("1") && separator(&mut ahead) {
        groups.push("1");
        cursor = ahead;
    }
    let open = cursor.take("(");
    groups.push(cursor.exactly(3)?);
    let closed = open && cursor.take(")");
    let apart = separator(&mut cursor);
    groups.push(cursor.exactly(3)?);
    let joined = separator(&mut cursor);
    groups.push(cursor.exactly(4)?);
    let whole = open == closed && (apart || closed) && joined;
    (whole && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| (in_groups(&groups), cursor))
}

/// "555-0100". Two round numbers are a range; no exchange begins with 0 or 1.
fn local(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let exchange = cursor.exactly(3)?;
    let joined = cursor.take_one(|c| matches!(c, '-' | '‑'));
    let line = cursor.exactly(4)?;
    let range = exchange.ends_with("00") && line.ends_with("00");
    let possible = !exchange.starts_with(['0', '1']) && !range;
    (joined && possible && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| (in_groups(&[exchange, line]), cursor))
}

/// "1-800-FLOWERS": the digits; the word is read as a word.
fn toll_free_word(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let mut groups = Vec::new();
    let mut ahead = cursor;
    if ahead.take("1") && separator(&mut ahead) {
        groups.push("1");
        cursor = ahead;
    }
    let prefix = cursor.exactly(3)?;
    groups.push(prefix);
    let toll_free = is_one_of(prefix, &["800", "833", "844", "855", "866", "877", "888"]);
    let word = cursor.dash() && cursor.rest().starts_with(|c: char| c.is_ascii_uppercase());
    (toll_free && word).then(|| (format!("{}, ", in_groups(&groups)), cursor))
}

/// ", ext. 204", " x204"
fn extension(mut cursor: Cursor<'_>) -> Option<(&str, Cursor<'_>)> {
    const NAMES: [&str; 6] = ["extension", "Extension", "ext", "Ext", "EXT", "x"];
    cursor.take(",");
    cursor.space();
    let named = NAMES.into_iter().any(|name| cursor.take(name));
    cursor.take(".");
    cursor.space();
    let digits = cursor.digits();
    (named && (1..=6).contains(&digits.len()) && cursor.ends_word()).then_some((digits, cursor))
}

fn separator(cursor: &mut Cursor<'_>) -> bool {
    cursor.space() || cursor.dash() || cursor.take(".")
}

fn in_groups(groups: &[&str]) -> String {
    let words: Vec<String> = groups
        .iter()
        .map(|group| match *group {
            "800" | "900" => format!("{} hundred", each_digit(&(value(group) / 100).to_string())),
            other => each_digit(other),
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn numbers_are_said_in_their_groups() {
        let said = "five five five, one two three, four five six seven";
        for written in [
            "(555) 123-4567",
            "(555)123-4567",
            "555-123-4567",
            "555.123.4567",
            "555 123 4567",
            "555–123–4567",
            "5551234567",
        ] {
            check(&[(written, said)]);
            check(&[(&format!("Call {written}."), &format!("Call {said}."))]);
        }
        check(&[
            (
                "+1 555 123 4567",
                "plus one, five five five, one two three, four five six seven",
            ),
            (
                "+1 (555) 123-4567",
                "plus one, five five five, one two three, four five six seven",
            ),
            (
                "+15551234567",
                "plus one, five five five, one two three, four five six seven",
            ),
            (
                "1-800-555-0199",
                "one, eight hundred, five five five, zero one nine nine",
            ),
            (
                "+44 20 7946 0958",
                "plus four four, two zero, seven nine four six, zero nine five eight",
            ),
            (
                "at 555-0100, thanks",
                "at five five five, zero one zero zero, thanks",
            ),
            (
                "555-123-4567 10 AM",
                "five five five, one two three, four five six seven ten AM",
            ),
        ]);
    }

    #[test]
    fn extensions_and_words() {
        check(&[
            (
                "555-123-4567 ext. 204",
                "five five five, one two three, four five six seven, extension two zero four",
            ),
            (
                "555-0123, x9.",
                "five five five, zero one two three, extension nine.",
            ),
            ("1-800-FLOWERS", "one, eight hundred, FLOWERS"),
        ]);
    }

    #[test]
    fn other_figures_are_none() {
        check(&[
            ("300-1000 people", "three hundred to one thousand people"),
            ("100-2000", "one hundred to two thousand"),
            ("(555)", "(five hundred fifty-five)"),
            ("1 (3)", "one (three)"),
        ]);
    }
}
