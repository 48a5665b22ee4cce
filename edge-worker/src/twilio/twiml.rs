//! The documents that tell the telephone company what to do with a call.
//!
//! What follows `<Connect>` is done when this side closes the stream's socket. A call that ends as it should is ended by REST
//! before that, so the words there are heard only when something has broken.

use super::PhoneNumber;

/// What a caller is told when the call cannot go on and somebody can take it.
const PUTTING_THROUGH: &str =
    "I'm sorry, something has gone wrong on our side. I'll put you through to a person.";

/// What a caller is told when the call cannot go on and nobody can take it.
const CALL_AGAIN: &str =
    "I'm sorry, something has gone wrong on our side. Please call again in a few minutes.";

/// What a caller is told for whom there is no room.
const ALL_BUSY: &str =
    "All of our lines are busy at the moment. Please call again in a few minutes.";

/// The answer to a call: its sound goes to `stream_url`, which brings back the token. If that fails, the caller
/// hears an apology and is put through, or the call ends.
#[must_use]
pub fn connect(stream_url: &str, token: &str, transfer: Option<&PhoneNumber>) -> String {
    let stream = format!(
        r#"<Connect><Stream url="{}"><Parameter name="token" value="{}"/></Stream></Connect>"#,
        escape(stream_url),
        escape(token)
    );
    response(&format!("{stream}{}", apology(transfer)))
}

/// The answer to a call that cannot be taken.
#[must_use]
pub fn sorry(transfer: Option<&PhoneNumber>) -> String {
    response(&apology(transfer))
}

/// The answer to a call for which there is no room.
#[must_use]
pub fn busy() -> String {
    response(&format!("<Say>{}</Say><Hangup/>", escape(ALL_BUSY)))
}

/// Puts a running call through. The person called sees the caller's own number.
#[must_use]
pub fn transfer(to: &PhoneNumber) -> String {
    response(&dial(to))
}

fn apology(transfer: Option<&PhoneNumber>) -> String {
    let (words, then) = match transfer {
        Some(number) => (PUTTING_THROUGH, dial(number)),
        None => (CALL_AGAIN, "<Hangup/>".to_owned()),
    };
    format!("<Say>{}</Say>{then}", escape(words))
}

fn dial(to: &PhoneNumber) -> String {
    format!("<Dial><Number>{}</Number></Dial>", escape(to.as_str()))
}

fn response(verbs: &str) -> String {
    format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>"#)
}

/// Text that can stand in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // XML 1.0 has no way to write these.
            c if c.is_control() && !c.is_whitespace() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn a_call_is_connected_and_nobody_is_left_without_a_word() {
        let stream = r#"<Connect><Stream url="wss://voice.example.com/twilio/media"><Parameter name="token" value="abc.def"/></Stream></Connect>"#;
        let url = "wss://voice.example.com/twilio/media";
        assert_eq!(
            connect(url, "abc.def", None),
            format!(
                "{HEAD}<Response>{stream}<Say>I&apos;m sorry, something has gone wrong on our side. \
                 Please call again in a few minutes.</Say><Hangup/></Response>"
            )
        );
        assert_eq!(
            connect(url, "abc.def", Some(&number("+12025550143"))),
            format!(
                "{HEAD}<Response>{stream}<Say>I&apos;m sorry, something has gone wrong on our side. \
                 I&apos;ll put you through to a person.</Say>\
                 <Dial><Number>+12025550143</Number></Dial></Response>"
            )
        );
    }

    #[test]
    fn a_call_that_cannot_be_taken_is_not_connected() {
        let document = sorry(Some(&number("+12025550143")));
        assert!(!document.contains("<Connect>"), "{document}");
        assert!(
            document.ends_with("</Say><Dial><Number>+12025550143</Number></Dial></Response>"),
            "{document}"
        );
    }

    #[test]
    fn a_caller_for_whom_there_is_no_room_hears_why() {
        assert_eq!(
            busy(),
            format!(
                "{HEAD}<Response><Say>All of our lines are busy at the moment. Please call again in a few minutes.</Say>\
                 <Hangup/></Response>"
            )
        );
    }

    #[test]
    fn a_transfer_dials() {
        assert_eq!(
            transfer(&number("+12025550143")),
            format!("{HEAD}<Response><Dial><Number>+12025550143</Number></Dial></Response>")
        );
    }

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(
            escape("a&b<c>d\"e'f\u{0}\u{1b}\tg é"),
            "a&amp;b&lt;c&gt;d&quot;e&apos;f\tg é"
        );
    }
}
