//! An e-mail address and a person's name, as far as the worker cares.

use front_desk::text::Name;

/// The longest address that a mail server takes (RFC 5321).
const MAX_EMAIL: usize = 254;

/// Above nearly every person's name, and short enough for a line of a table.
const MAX_NAME: usize = 80;

/// An address by which somebody is known: ASCII in lower case, since mail servers make no difference and look-alikes from other
/// alphabets must not pass for a colleague.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Reads an address. Whether mail arrives there only mail can show.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const WHY: &str = "must be an e-mail address, such as name@example.com";
        let text = text.trim();
        if text.len() > MAX_EMAIL {
            return Err(WHY);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(WHY)?;
        let is_plain = |byte: u8| {
            byte.is_ascii_graphic()
                && !matches!(
                    byte,
                    b'"' | b'('
                        | b')'
                        | b','
                        | b':'
                        | b';'
                        | b'<'
                        | b'>'
                        | b'@'
                        | b'['
                        | b'\\'
                        | b']'
                )
        };
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = !local.is_empty()
            && local.bytes().all(is_plain)
            && domain.contains('.')
            && domain.split('.').all(is_label);
        if !fits {
            return Err(WHY);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`: a name for somebody of whom nothing else is known.
    pub(crate) fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

/// Reads a person's name: one line, shown to colleagues.
pub(crate) fn person(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.chars().count() > MAX_NAME {
        return Err("must have at most 80 characters");
    }
    if text.chars().any(is_unprintable) {
        return Err(
            "must not contain control characters or marks that change the direction of text",
        );
    }
    // What nobody can see goes.
    Name::parse(text)
        .map(Name::into_string)
        .map_err(|_| "must not be empty")
}

/// Control characters, line separators, and marks that reorder what follows them.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, read) in [
            ("ann@example.com", "ann@example.com"),
            (" Ann.Lee+x@Mail.Example.COM ", "ann.lee+x@mail.example.com"),
            ("o'neil@a-b.example", "o'neil@a-b.example"),
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), read);
        }
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "ann@example..com",
            "ann@-example.com",
            "a b@example.com",
            "a@b@example.com",
            "ann@exam\u{440}le.com",
            "ann\n@example.com",
            "<script>@example.com",
            "\"ann\"@example.com",
            &format!("{}@example.com", "a".repeat(250)),
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Email::parse("Ann.Lee@example.com").unwrap().local(),
            "ann.lee"
        );
    }

    #[test]
    fn names() {
        for text in [
            "Ann",
            "Ann-Marie O'Neil",
            "李小龙",
            "<script>alert(1)</script>",
            &"a".repeat(80),
        ] {
            assert_eq!(person(text).as_deref(), Ok(text));
        }
        assert_eq!(person("  Ann ").as_deref(), Ok("Ann"));
        for text in [
            "",
            "   ",
            "a\nb",
            "a\u{0}b",
            "\u{202e}nnA",
            "a\u{2066}b",
            &"a".repeat(81),
        ] {
            assert!(person(text).is_err(), "{text:?}");
        }
    }
}
