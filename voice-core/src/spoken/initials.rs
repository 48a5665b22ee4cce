//! Initials that are spelled, and names that are spelled out. Full stops between the letters make a voice say "A" as the letter it is, and no full stop
//! behind the last of them keeps it from ending the sentence there.
//!
//! Only those which a voice would read as a word, or might: it knows "LLC" by itself.

use super::cursor::{Cursor, Place, Said, is_one_of};

const SPELLED: [&str; 23] = [
    "ADA", "AKA", "ASL", "ATM", "CEO", "CPA", "DIY", "DOB", "EOB", "ETA", "FAQ", "FSA", "FYI",
    "HOA", "HSA", "ID", "IRA", "OBGYN", "OTC", "PO", "UPS", "USA", "VIP",
];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    if !place.rest.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    with_stops(place.cursor())
        .or_else(|| spelled_out(place))
        .or_else(|| without_stops(place.cursor()))
}

pub(super) fn dotted(letters: &str) -> String {
    let letters: Vec<String> = letters.chars().map(String::from).collect();
    letters.join(".")
}

/// "U.S.", "J.R.R.": two letters or more, each with its full stop.
fn with_stops(mut cursor: Cursor<'_>) -> Option<Said<'_>> {
    let mut letters = String::new();
    loop {
        let mut ahead = cursor;
        let letter = ahead.take_while(|c| c.is_ascii_uppercase());
        if letter.len() != 1 || !ahead.take(".") {
            break;
        }
        letters.push_str(letter);
        cursor = ahead;
    }
    if letters.len() < 2 || !cursor.ends_word() {
        return None;
    }
    let next = cursor.rest().trim_start();
    let ends = next.is_empty() || is_one_of(Cursor::new(next).letters(), &OPENINGS);
    let stop = if ends { "." } else { "" };
    Some(cursor.said(format!("{}{stop}", dotted(&letters))))
}

/// Words that begin a sentence behind initials; other capitals go on with a name ("U.S. Bank").
const OPENINGS: [&str; 24] = [
    "And", "Are", "But", "Can", "Do", "For", "How", "I", "If", "In", "Is", "It", "Our", "Please",
    "So", "That", "The", "There", "They", "This", "We", "What", "Would", "You",
];

/// "J-A-N-E", "J A N E": three letters or more, each with a pause behind it, for a caller to check.
fn spelled_out(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let mut letters = Vec::new();
    let dashed = cursor
        .rest()
        .get(1..)
        .is_some_and(|rest| rest.starts_with('-'));
    loop {
        let mut ahead = cursor;
        if !letters.is_empty()
            && !(if dashed {
                ahead.take("-")
            } else {
                ahead.space()
            })
        {
            break;
        }
        let letter = ahead.take_while(|c| c.is_ascii_uppercase());
        if letter.len() != 1 || !ahead.ends_word() {
            break;
        }
        letters.push(letter);
        cursor = ahead;
    }
    let whole = !cursor.rest().starts_with(['-', '\'', '’']);
    (letters.len() > 2 && whole && place.after_a_gap()).then(|| cursor.said(letters.join(", ")))
}

/// "FAQ", "FAQs"
fn without_stops(mut cursor: Cursor<'_>) -> Option<Said<'_>> {
    let letters = cursor.take_while(|c| c.is_ascii_uppercase());
    let many = cursor.take("s");
    let known = is_one_of(letters, &SPELLED) && cursor.ends_word();
    let ending = if many { "'s" } else { "" };
    known.then(|| cursor.said(format!("{}{ending}", dotted(letters))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn initials() {
        check(&[
            ("an ADA-compliant ramp", "an A.D.A-compliant ramp"),
            ("our FAQs page", "our F.A.Q's page"),
            ("the U.S. office", "the U.S office"),
            ("made in the U.S.A.", "made in the U.S.A."),
            ("from the U.S. We ship", "from the U.S. We ship"),
            ("P.O. Box 9", "P.O Box nine"),
            ("PO Box 9", "P.O Box nine"),
            ("bring your ID.", "bring your I.D."),
            ("an LLC", "an LLC"),
            ("the IRS and HIPAA", "the IRS and HIPAA"),
            ("A. Smith", "A. Smith"),
            ("J-A-N-E, right?", "J, A, N, E, right?"),
            ("D O E.", "D, O, E."),
            ("plan A I like", "plan A I like"),
        ]);
    }
}
