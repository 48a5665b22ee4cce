//! The texts, each with what is left of it once it was cleaned. Said here and not computed: the worker's own cleaning is what is tested.

use serde_json::{Value, json};

/// A hostile text.
pub(crate) struct Case {
    pub(crate) about: &'static str,
    pub(crate) text: &'static str,
    /// What is kept of it where one line is wanted; none where nothing is left.
    pub(crate) line: Option<&'static str>,
    /// And where several lines are, if that differs.
    pub(crate) lines: Option<&'static str>,
}

impl Case {
    /// What a JSON document has of it.
    pub(crate) fn json(&self) -> Value {
        json!(self.text)
    }

    /// What is kept where several lines are wanted.
    pub(crate) fn lines(&self) -> &'static str {
        self.lines.or(self.line).unwrap_or_default()
    }
}

const fn case(about: &'static str, text: &'static str, line: &'static str) -> Case {
    Case {
        about,
        text,
        line: Some(line),
        lines: None,
    }
}

/// One that is kept as it is.
const fn kept(about: &'static str, text: &'static str) -> Case {
    case(about, text, text)
}

const fn several(
    about: &'static str,
    text: &'static str,
    line: &'static str,
    lines: &'static str,
) -> Case {
    Case {
        lines: Some(lines),
        ..case(about, text, line)
    }
}

const fn nothing(about: &'static str, text: &'static str) -> Case {
    Case {
        about,
        text,
        line: None,
        lines: None,
    }
}

/// None has more than 40 characters that are kept, so that each fits every field.
pub(crate) const CASES: &[Case] = &[
    kept("a script", "<script>alert(1)</script>"),
    kept("markup in an attribute", "\"><img src=x onerror=alert(1)>"),
    kept("a template", "${7*7}{{7*7}}<%= 7*7 %>"),
    kept("SQL", "'; DROP TABLE bookings;--"),
    kept("SQL's parameters", "?1 :name @name $name %s \\u0000 \\"),
    kept("a formula", "=HYPERLINK(\"http://evil.example\",\"x\")"),
    kept("a formula that runs a program", "=cmd|' /C calc'!A0"),
    kept("a sum", "+1+1"),
    kept("a formula by its at sign", "@SUM(A1:A9)"),
    kept("a negative number", "-1"),
    kept("a full-width sign", "＝1+1"),
    kept("a formula behind a semicolon", "Ann;=1+1"),
    case("a formula behind a space", " =1+1", "=1+1"),
    case("a formula behind a tab", "\t=1+1", "=1+1"),
    case("a formula behind a return", "\r=1+1", "=1+1"),
    case(
        "a formula behind a space that does not break",
        "\u{a0}=1+1",
        "=1+1",
    ),
    several(
        "a formula on a line of its own",
        "Ann\n=1+1",
        "Ann =1+1",
        "Ann\n=1+1",
    ),
    case("a formula behind a tab inside", "Ann\t=1+1", "Ann =1+1"),
    case(
        "control characters",
        "A\0B\u{1b}[31mC\u{7}\u{8}\u{7f}\u{9b}D",
        "AB[31mCD",
    ),
    several(
        "lines",
        "Ann\r\nLee\n\nOrr",
        "Ann Lee Orr",
        "Ann\nLee\n\nOrr",
    ),
    case(
        "other ends of lines",
        "Ann\u{b}Lee\u{c}Orr\u{85}Poe\u{2028}Ray\u{2029}Sun",
        "Ann Lee Orr Poe Ray Sun",
    ),
    several(
        "an event of a calendar",
        "Ann\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil",
        "Ann END:VEVENT BEGIN:VEVENT UID:evil",
        "Ann\nEND:VEVENT\nBEGIN:VEVENT\nUID:evil",
    ),
    several(
        "a folded line of a calendar",
        "Ann\r\n ATTENDEE:evil",
        "Ann ATTENDEE:evil",
        "Ann\nATTENDEE:evil",
    ),
    kept("a calendar's own signs", "a\\nb\\;c\\,d;e,f:g\\"),
    several(
        "a header",
        "Ann\r\nSet-Cookie: session=evil\r\n\r\n<b>",
        "Ann Set-Cookie: session=evil <b>",
        "Ann\nSet-Cookie: session=evil\n\n<b>",
    ),
    case(
        "marks that reverse",
        "\u{202e}exe.gpj\u{202c} Ann",
        "exe.gpj Ann",
    ),
    case(
        "marks that set a direction",
        "\u{200e}a\u{200f}b\u{61c}c\u{2066}d\u{2067}e\u{2068}f\u{2069}\u{202a}\u{202b}\u{202d}",
        "abcdef",
    ),
    kept("a script from right to left", "עדה לאבלייס"),
    case(
        "characters of no width",
        "Ad\u{200b}mi\u{feff}n\u{2060}\u{ad}\u{180e}\u{3164}\u{34f}\u{ffa0}",
        "Admin",
    ),
    case("tags that nobody sees", "Ann\u{e0041}\u{e007f}", "Ann"),
    kept(
        "joiners that a script needs",
        "ہے\u{200c}ہے 👩🏽\u{200d}⚕️ Ünïcödé 名前",
    ),
    kept("JSON", "{\"__proto__\":{\"role\":[null]}}"),
    nothing("nothing at all", ""),
    nothing("nothing to see", " \u{202e}\u{0}\u{200b}\t\u{3164} "),
    nothing("joiners of nothing", "\u{200d}\u{200c}\u{fe0f}"),
];

/// Whether a character shows nothing, or changes how others are shown.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}
