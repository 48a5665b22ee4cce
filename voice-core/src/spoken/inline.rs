//! Markup inside a line: emphasis, links, addresses, elements, entities, pictures. Its words are kept.

use unicode_segmentation::UnicodeSegmentation;

use super::cursor::{Cursor, is_one_of};
use super::direction::is_direction;

/// The words of a line, with single spaces between them.
pub(super) fn words(line: &str) -> String {
    let mut words = String::with_capacity(line.len());
    for word in stripped(line).split_whitespace() {
        let word = without_pictures(word);
        let beside_a_key = words
            .rsplit(' ')
            .next()
            .is_some_and(|previous| matches!(previous, "the" | "press" | "hit" | "Press"));
        let mark = match word.as_str() {
            "" | "()" | "[]" => true,
            "-" | "–" | "—" | "•" => words.is_empty(),
            other if is_one_of(other, &EMOTICONS) => true,
            other => other.chars().all(|c| c == '#') && !beside_a_key,
        };
        if mark {
            continue;
        }
        let closes = word
            .chars()
            .all(|c| matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | '…'));
        if !words.is_empty() && !closes {
            words.push(' ');
        }
        words.push_str(&word);
    }
    words
}

const EMOTICONS: [&str; 14] = [
    ":)", ":-)", ":D", ":-D", ";)", ";-)", ":(", ":-(", ":P", ":p", "<3", "xD", "^^", ":/",
];

/// A line without its marks; the spaces around them remain.
fn stripped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut cursor = Cursor::new(line);
    while let Some(next) = cursor.peek() {
        let starts_word = !out.ends_with(char::is_alphanumeric);
        if starts_word
            && matches!(next, 'h' | 'H' | 'w' | 'W')
            && let Some((host, behind)) = address(cursor)
        {
            out.push_str(&host);
            cursor = behind;
            continue;
        }
        cursor.take_one(|_| true);
        match next {
            '*' | '_' => emphasis(&mut out, &mut cursor, next),
            '[' => bracket(&mut out, &mut cursor),
            '(' => match aside(cursor, ')') {
                Some(behind) => cursor = behind,
                None => out.push('('),
            },
            '<' => element(&mut out, &mut cursor),
            '>' => {
                let number = cursor.rest().trim_start();
                if number.starts_with(|c: char| c.is_ascii_digit()) {
                    out.push('>');
                }
            }
            '&' => out.push(entity(&mut cursor)),
            '\\' => {
                let escaped = cursor.peek().filter(char::is_ascii_punctuation);
                if let Some(escaped) = escaped {
                    cursor.take_one(|_| true);
                    if !matches!(escaped, '*' | '`' | '~' | '|' | '\\') {
                        out.push(escaped);
                    }
                }
            }
            '~' => {
                let number = |c: char| c.is_ascii_digit() || c == '$';
                if cursor.peek().is_some_and(number) && !out.ends_with('~') {
                    out.push('~');
                } else {
                    cursor.take_while(|c| c == '~');
                }
            }
            '|' => {
                let length = out.trim_end().len();
                out.truncate(length);
                out.push(',');
            }
            '-' | '=' if cursor.take(">") => out.push(' '),
            '-' if cursor.peek() == Some('-') => {
                cursor.take_while(|c| c == '-');
                out.push('–');
            }
            '`' => {}
            invisible if is_invisible(invisible) => {}
            other => out.push(other),
        }
    }
    out
}

/// After the first mark of a run: leaves the run out, and a stage direction with it.
fn emphasis(out: &mut String, cursor: &mut Cursor<'_>, mark: char) {
    cursor.take_all(mark);
    let opens = out.trim_end().is_empty()
        || out
            .trim_end()
            .ends_with(['.', '!', '?', ',', ';', ':', '…', '"']);
    let one_word = |behind: Cursor<'_>| {
        let length = cursor.rest().len().saturating_sub(behind.rest().len());
        let content = cursor.rest().split_at_checked(length);
        content.is_some_and(|(content, _)| !content.trim().contains(char::is_whitespace))
    };
    if let Some(behind) = aside(*cursor, mark)
        && (opens || !one_word(behind))
    {
        *cursor = behind;
        cursor.take_all(mark);
        return;
    }
    let next = cursor.rest();
    let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let keeps = match mark {
        // A product: "3 * 4".
        '*' => {
            out.trim_end().ends_with(|c: char| c.is_ascii_digit())
                && number(next.trim_start())
                && out.ends_with(' ') == next.starts_with(' ')
        }
        // A name: "jane_doe".
        _ => {
            out.ends_with(|c: char| c.is_alphanumeric()) && next.starts_with(char::is_alphanumeric)
        }
    };
    if keeps {
        out.push(mark);
    }
}

/// What follows a stage direction that ends with `mark`.
fn aside(cursor: Cursor<'_>, mark: char) -> Option<Cursor<'_>> {
    let (content, behind) = cursor.rest().split_once(mark)?;
    is_direction(content).then(|| Cursor::new(behind))
}

/// After "[": the words of a link; nothing of a footnote or a stage direction; the content of anything else.
fn bracket(out: &mut String, cursor: &mut Cursor<'_>) {
    if out.ends_with('!') {
        // An image.
        out.pop();
    }
    let Some((content, behind)) = cursor.rest().split_once(']') else {
        return;
    };
    let mut behind = Cursor::new(behind);
    let mut linked = false;
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let Some(address) = behind.rest().strip_prefix(open) {
            behind = Cursor::new(address.split_once(close).map_or("", |(_, rest)| rest));
            linked = true;
            break;
        }
    }
    *cursor = behind;
    let footnote = content
        .chars()
        .all(|c| c.is_ascii_digit() || c == '^' || c.is_whitespace());
    if linked || !(footnote || is_direction(content)) {
        out.push_str(&stripped(content));
    }
}

/// After "<": the address of a link; nothing of an element; the sign, where a number follows.
fn element(out: &mut String, cursor: &mut Cursor<'_>) {
    let rest = cursor.rest();
    let name = rest.trim_start_matches(['/', '|', '!']);
    let tag = rest
        .split_once('>')
        .filter(|(tag, _)| tag.len() <= LONGEST_TAG && !tag.contains('<'))
        .filter(|_| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    let Some((tag, behind)) = tag else {
        let heart = rest.starts_with('3') && !rest.starts_with(|c: char| c.is_ascii_alphabetic());
        let number = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
        if number || heart {
            out.push('<');
        }
        return;
    };
    *cursor = Cursor::new(behind);
    if let Some((host, _)) = address(Cursor::new(tag)) {
        out.push_str(&host);
    } else if tag.contains('@') {
        out.push_str(tag.trim_start_matches("mailto:"));
    } else {
        out.push(' ');
    }
}

/// Longer ones are text between two signs.
const LONGEST_TAG: usize = 120;

/// A web address, as its host, and the punctuation of the sentence behind it.
fn address(mut cursor: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let (start, _) = cursor.rest().split_at_checked("https://".len())?;
    let start = start.to_ascii_lowercase();
    let scheme = ["https://", "http://", "www."]
        .into_iter()
        .find(|scheme| start.starts_with(scheme))?;
    let (_, rest) = cursor.rest().split_at_checked(scheme.len())?;
    cursor = Cursor::new(rest);
    cursor.take("www.");
    let host = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '.'));
    let rest = cursor.take_while(|c| {
        !c.is_whitespace() && !matches!(c, ')' | '>' | ']' | '"' | '*' | '`' | '|')
    });
    let words = rest.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    let (_, end) = rest.split_at_checked(words.len())?;
    (!host.is_empty()).then(|| (format!("{host}{end}"), cursor))
}

/// After "&": the character that an entity stands for.
fn entity(cursor: &mut Cursor<'_>) -> char {
    const NAMES: [(&str, char); 8] = [
        ("amp;", '&'),
        ("nbsp;", ' '),
        ("lt;", ' '),
        ("gt;", ' '),
        ("quot;", '"'),
        ("apos;", '\''),
        ("#39;", '\''),
        ("ndash;", '–'),
    ];
    NAMES
        .into_iter()
        .find_map(|(name, character)| cursor.take(name).then_some(character))
        .unwrap_or('&')
}

/// A word without emoji; the digit of a keycap stays.
fn without_pictures(word: &str) -> String {
    word.graphemes(true)
        .map(|cluster| {
            if cluster.chars().any(is_picture) {
                cluster.trim_matches(|c: char| !c.is_ascii_digit())
            } else {
                cluster
            }
        })
        .collect()
}

/// Emoji, dingbats, arrows, and the joiners, selectors and keycaps that shape them.
const fn is_picture(c: char) -> bool {
    matches!(c as u32, 0x200D | 0x20E3 | 0xFE0F | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x1F000..=0x1FAFF)
}

/// Characters without a shape: controls, zero-width spaces, marks of direction. The joiner is part of pictures.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c as u32, 0xAD | 0x200B | 0x200E | 0x200F | 0x202A..=0x202E | 0x2060..=0x2064 | 0xFEFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cases: &[(&str, &str)]) {
        for (line, expected) in cases {
            assert_eq!(words(line), *expected, "of {line:?}");
        }
    }

    #[test]
    fn emphasis_goes_and_words_stay() {
        check(&[
            (
                "**Sure!** _This_ is *very* `good` ~~bad~~",
                "Sure! This is very good bad",
            ),
            ("__both__ ***kinds***", "both kinds"),
            ("jane_doe@example.com", "jane_doe@example.com"),
            (
                "jane\\_doe, \\*literally\\*, \\$5",
                "jane_doe, literally, $5",
            ),
            ("3 * 4 and 5*6", "3 * 4 and 5*6"),
            ("ending in ****1234", "ending in 1234"),
            ("~30 minutes", "~30 minutes"),
            ("Smith &amp; Sons&nbsp;Inc", "Smith & Sons Inc"),
            ("a -> b -- c", "a b – c"),
            ("A | B", "A, B"),
            ("See this. # Hours", "See this. Hours"),
            ("press # now, we are #1", "press # now, we are #1"),
        ]);
    }

    #[test]
    fn links_become_their_words() {
        check(&[
            ("See [our page](https://example.com/a).", "See our page."),
            ("![a **smile**](smile.png) here", "a smile here"),
            ("see [this][1] and that[2]", "see this and that"),
            ("Dear [Name],", "Dear Name,"),
            ("go to https://www.example.com/a?b=c.", "go to example.com."),
            ("www.example.com, please", "example.com, please"),
            (
                "<https://example.com/a> or <mailto:jane@example.com>",
                "example.com or jane@example.com",
            ),
            ("one<br>two<b>three</b>", "one two three"),
            ("<|channel|>final<|message|>Hi", "final Hi"),
            ("under < 5 or <3", "under < 5 or"),
            ("[unclosed", "unclosed"),
            ("how is this", "how is this"),
        ]);
    }

    #[test]
    fn directions_go_and_information_stays() {
        check(&[
            ("*smiles* Hello", "Hello"),
            ("Hello *smiles warmly*, there", "Hello, there"),
            ("(laughs) That is (555) 123-4567", "That is (555) 123-4567"),
            (
                "We rest (closed on Sundays) [pause]",
                "We rest (closed on Sundays)",
            ),
            ("(in a warm tone) Hi", "Hi"),
            ("_sighs_ We take *checks*", "We take checks"),
            ("*smiles and never closes", "smiles and never closes"),
            ("We love *smiles* here", "We love smiles here"),
            ("Our motto: *smiles for life*", "Our motto: smiles for life"),
        ]);
    }

    #[test]
    fn pictures_go_and_digits_stay() {
        check(&[
            ("Great 😀👍🏽 👩‍⚕️ news ✅!", "Great news!"),
            ("1️⃣ Cleaning 🇺🇸", "1 Cleaning"),
            ("Thanks :) <3", "Thanks"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("✨Hi✨", "Hi"),
        ]);
    }
}
