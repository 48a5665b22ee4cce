//! E-mail and web addresses, as they are read out: "jane dot doe at example dot com".

use super::cursor::{Cursor, Place, Said, is_dash, is_one_of};
use super::words::each_digit;

/// Endings by which a name with a dot is known as an address when nothing else says so. None is a word that could
/// follow a full stop without its space.
const ENDINGS: [&str; 19] = [
    "ai", "app", "biz", "ca", "care", "clinic", "co", "com", "dental", "dev", "edu", "gov",
    "health", "info", "io", "net", "org", "uk", "us",
];

/// Those that are spelled.
const SPELLED: [&str; 6] = ["ai", "ca", "io", "tv", "uk", "us"];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    if !place.rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    mail(place).or_else(|| site(place))
}

fn mail(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let name = cursor
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '%'));
    if !cursor.take("@") {
        return None;
    }
    let host = host(&mut cursor)?;
    Some(cursor.said(format!("{} at {}", letters(name), read_host(host))))
}

fn site(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let named = cursor.take("https://") || cursor.take("http://");
    let named = cursor.take("www.") || named;
    let host = host(&mut cursor)?;
    let ending = host.rsplit('.').next()?.to_ascii_lowercase();
    let lettered = host.chars().any(|c| c.is_ascii_alphabetic());
    if !lettered || !(named || is_one_of(&ending, &ENDINGS)) {
        return None;
    }
    let mut words = read_host(host);
    let mut ahead = cursor;
    while ahead.take("/") {
        let part = ahead.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if part.is_empty() {
            break;
        }
        words = format!("{words} slash {}", letters(part));
        cursor = ahead;
    }
    if cursor.rest() == "/" || cursor.rest().starts_with("/ ") {
        cursor.take("/");
    }
    cursor.ends_word().then(|| cursor.said(words))
}

/// Names joined by dots, two or more, the last of them letters; not the full stop of the sentence.
fn host<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    let start = cursor.rest();
    let mut ahead = *cursor;
    let mut parts = 0_usize;
    let mut last = "";
    loop {
        let part = ahead.take_while(|c| c.is_ascii_alphanumeric() || c == '-');
        if part.is_empty() {
            break;
        }
        parts = parts.saturating_add(1);
        last = part;
        *cursor = ahead;
        if !ahead.take(".") {
            break;
        }
    }
    let length = start.len().saturating_sub(cursor.rest().len());
    let (host, _) = start.split_at_checked(length)?;
    let ending = last.len() > 1 && last.chars().all(|c| c.is_ascii_alphabetic());
    (parts > 1 && ending && !host.ends_with(is_dash) && cursor.ends_word()).then_some(host)
}

fn read_host(host: &str) -> String {
    let mut parts: Vec<String> = host.split('.').map(letters).collect();
    if let Some(last) = parts.last_mut()
        && is_one_of(&last.to_ascii_lowercase(), &SPELLED)
    {
        *last = super::initials::dotted(&last.to_ascii_uppercase());
    }
    parts.join(" dot ")
}

/// The words, digits and marks of a name.
fn letters(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cursor = Cursor::new(name);
    while let Some(next) = cursor.peek() {
        let word = cursor.letters();
        let digits = cursor.digits();
        if !word.is_empty() {
            words.push(word.to_owned());
        }
        if !digits.is_empty() {
            words.push(each_digit(digits));
        }
        if word.is_empty() && digits.is_empty() {
            cursor.take_one(|_| true);
            words.push(
                match next {
                    '.' => "dot",
                    '_' => "underscore",
                    '+' => "plus",
                    '%' => "percent",
                    _ => "dash",
                }
                .to_owned(),
            );
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn mail() {
        check(&[
            ("jane.doe@example.com", "jane dot doe at example dot com"),
            (
                "Write to jane_doe42@my-clinic.co.uk.",
                "Write to jane underscore doe four two at my dash clinic dot co dot U.K.",
            ),
            (
                "info+new@example.org, please",
                "info plus new at example dot org, please",
            ),
            ("@example", "at example"),
        ]);
    }

    #[test]
    fn sites() {
        check(&[
            ("Visit example.com.", "Visit example dot com."),
            (
                "www.example.com/book-now",
                "example dot com slash book dash now",
            ),
            ("https://example.dental", "example dot dental"),
            ("smile360.io", "smile three six zero dot I.O"),
            ("call us.Then", "call us.Then"),
            ("e.g.com", "e dot g dot com"),
        ]);
    }
}
