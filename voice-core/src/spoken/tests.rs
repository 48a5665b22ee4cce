//! What holds for every text.

use proptest::prelude::*;

use super::{shown, spoken};

/// Each text is said so, and what is said is said as it stands.
pub(super) fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(text, expected)| {
            let said = spoken(text);
            let again = spoken(&said);
            if said != *expected {
                Some(format!(
                    "{text:?}\n  is said {said:?}\n  and not {expected:?}"
                ))
            } else if again != said {
                Some(format!("{said:?}\n  is said again {again:?}"))
            } else {
                None
            }
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn whole_answers() {
    check(&[
        (
            "We're open Mon–Fri 9am–5pm & Sat 10-2.",
            "We're open Monday through Friday nine AM to five PM and Saturday ten to two.",
        ),
        (
            "Dr. Reyes sees you at 9.30 a.m. on Monday for $45.50 please bring your card to room no. 3 and see example.com for more.",
            "Doctor Reyes sees you at nine thirty AM on Monday for forty-five dollars and fifty cents please bring your card \
             to room number three and see example dot com for more.",
        ),
        (
            "You're booked for Tuesday, March 14th, 2026 at 2:30 PM. Your confirmation number is 482913.",
            "You're booked for Tuesday, March fourteenth, twenty twenty-six at two thirty PM. \
             Your confirmation number is four eight two, nine one three.",
        ),
        (
            "We're at 1204 Oak St., Suite 300, Austin, TX 78701. Call (512) 555-0142, ext. 7.",
            "We're at twelve oh four Oak Street, Suite three hundred, Austin, Texas seven eight seven zero one. \
             Call five one two, five five five, zero one four two, extension seven.",
        ),
        (
            "That's a 15% discount on the $1,200 plan, i.e. $1,020.",
            "That's a fifteen percent discount on the one thousand two hundred dollars plan, that is one thousand twenty dollars.",
        ),
        (
            "2026 at nine, and then",
            "twenty twenty-six at nine, and then",
        ),
        (
            "Größe: 3 µm, naïve café – 東京",
            "Größe: three µm, naïve café – 東京",
        ),
    ]);
}

/// What models write, and what breaks readers of it.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        4 => "[0-9]{1,6}",
        4 => "[a-z]{1,9}",
        2 => "[A-Z][a-z]{0,6}",
        1 => "[A-Z]{1,4}",
        4 => r"[ .,:;/$%&#@+*_=<>()\[\]|~'\x22–—°½€£-]{1,2}",
        2 => prop::sample::select(vec![
            " ", " ", " ", "Dr. ", "St.", " a.m.", "pm", "Mon", "Jan ", "March ", "No. ", " ft", "http://", ".com", "1/2",
            "<think>", "</think>", "😀", "\n", "\n- ", "**", "é", "\u{200d}", "\u{2028}", "x",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(scrap, 0..24).prop_map(|scraps| scraps.concat())
}

/// Figures as people write them, with any digits.
fn figure() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,9}[,.]?",
        "[A-Z][a-z]{1,7}",
        r"[$€£]?[1-9][0-9]{0,4}(\.[0-9]{1,2})?[,.%]?",
        r"[$]?[1-9][0-9]{0,2}(,[0-9]{3}){1,3}",
        r"(0?[1-9]|1[0-2])(:[0-5][0-9])? ?([ap]m|[AP]M|[ap]\.m\.)",
        "([01]?[0-9]|2[0-3]):[0-5][0-9]( ?[–-] ?([01]?[0-9]|2[0-3]):[0-5][0-9])?",
        "[1-9]?[0-9][–-][1-9]?[0-9]( (days|min|lbs))?",
        "[0-9]{1,2}/[0-9]{1,2}(/[0-9]{2,4})?",
        r"([(][2-9][0-9]{2}[)] |[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}",
        "(1st|22nd|13th|[0-9]{4}s|#[0-9]{1,4}|[A-Z]{2}[0-9]{3,4}|[0-9]{5,9})",
        "(Mon|Tue|Sat|Jan|Feb|March)([.]|–Fri|[ ][1-9]| 1[0-9](, 20[0-9]{2})?)?",
        r"(Dr\.|Mrs\.|St\.|Main St\.|Apt\.|No\.|e\.g\.|etc\.|vs\.|U\.S\.|FAQs|ID) ?",
        "jane[a-z]{0,3}[0-9]{0,2}@(example|my-clinic)[.](com|co[.]uk)",
        "(www[.])?(example|clinic[0-9])[.](com|org)(/book(-now)?)?",
        "(&|@|[+]|=|/|–|—|-)",
    ]
}

proptest! {
    /// A number of four digits is the longest by its length: "7777" is ten times as long in words. A sign alone is a
    /// word of up to ten letters with its spaces.
    #[test]
    fn what_is_said_is_finite(text in scraps()) {
        let said = spoken(&text);
        prop_assert!(said.len() <= text.len().saturating_mul(11).saturating_add(16), "{said:?}");
    }

    #[test]
    fn what_is_said_is_said_as_it_stands(figures in prop::collection::vec(figure(), 1..10)) {
        let said = spoken(&shown(&figures.join(" then ")));
        prop_assert_eq!(spoken(&said), said);
    }

    #[test]
    fn what_is_shown_is_no_longer_than_the_text(text in scraps()) {
        // A dash of two and a full stop between lines take the room of what they replace.
        prop_assert!(shown(&text).len() <= text.len().saturating_mul(2));
    }

    #[test]
    fn plain_words_pass(words in prop::collection::vec("[bdfghjkq][aeiou][a-z]{3,9}", 1..12), end in "[.!?]?") {
        let text = format!("{}{end}", words.join(" "));
        prop_assert_eq!(&shown(&text), &text);
        prop_assert_eq!(&spoken(&text), &text);
    }

    /// However figures and signs stand between words, each word is said, and in its order.
    #[test]
    fn no_word_is_lost(parts in prop::collection::vec(("[bdfghjkq][aeiou][a-z]{4,8}", prop::sample::select(vec![
        "$45", "9-5", "3/14", "(555) 123-4567", "&", "50%", "at 9 a.m.", "#3", "Dr. Reyes", "12345", "1/2", "Main St.", "No. 3", "@",
        "2026", "9:00 – 5:00", "a/b", "*very*", "- 7 -", "VX4821", "jane@example.com",
    ])), 1..8)) {
        let text: Vec<String> = parts.iter().map(|(word, figure)| format!("{word} {figure}")).collect();
        let said = spoken(&shown(&text.join(" ")));
        let mut left = said.as_str();
        for (word, _) in &parts {
            let found = left.split_once(word.as_str());
            prop_assert!(found.is_some(), "{word:?} is not in {said:?}");
            left = found.map_or("", |(_, rest)| rest);
        }
    }

    #[test]
    fn what_is_shown_has_words_and_single_spaces(text in scraps()) {
        let shown = shown(&text);
        prop_assert!(shown.is_empty() || shown.chars().any(char::is_alphanumeric));
        let words: Vec<&str> = shown.split_whitespace().collect();
        prop_assert_eq!(words.join(" "), shown);
    }
}
