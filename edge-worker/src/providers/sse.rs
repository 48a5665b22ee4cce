//! Server-sent events, as bytes arrive: any split of the same bytes gives the same events (WHATWG HTML, 9.2.6).
//!
//! Own lines rather than a crate, because the crates wrap an async stream and this is pushed into by whoever owns it.

use std::mem::take;

/// The most that is held of one event. The longest honest one, a whole tool call, has a few KB; a vendor that sends no
/// line break for ever must not fill the memory all calls share.
const EVENT_MAX: usize = 256 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// The `event` field; empty means `message`.
    pub(super) kind: String,
    pub(super) data: String,
}

/// An event grew beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// The state between two pushes.
#[derive(Debug, Default)]
pub(super) struct SseReader {
    line: Vec<u8>,
    kind: String,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right after it ends no second line.
    after_return: bool,
    is_begun: bool,
}

impl SseReader {
    /// Takes some bytes; gives the events they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = take(&mut self.after_return);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => self.line.push(byte),
            }
            let held = self
                .data
                .as_ref()
                .map_or(0, String::len)
                .saturating_add(self.line.len());
            if held > EVENT_MAX {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        let line = if is_first {
            line.strip_prefix('\u{feff}').unwrap_or(&line)
        } else {
            &line
        };
        if line.is_empty() {
            let kind = take(&mut self.kind);
            return self.data.take().map(|data| SseEvent { kind, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match self.data.as_mut() {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.kind),
            // A comment (no name before the colon), `id` and `retry`, which are about reconnecting.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<(String, String)> {
        let mut reader = SseReader::default();
        let events = chunks.iter().flat_map(|chunk| reader.push(chunk).unwrap());
        events.map(|event| (event.kind, event.data)).collect()
    }

    fn event(kind: &str, data: &str) -> (String, String) {
        (kind.to_owned(), data.to_owned())
    }

    #[test]
    fn fields_are_read_as_specified() {
        for (text, events) in [
            ("data: one\n\n", vec![event("", "one")]),
            ("data:one\n\n", vec![event("", "one")]),
            ("data:  one\n\n", vec![event("", " one")]),
            ("data: one\ndata: two\n\n", vec![event("", "one\ntwo")]),
            ("data\n\n", vec![event("", "")]),
            (
                "event: error\ndata: x\n\ndata: y\n\n",
                vec![event("error", "x"), event("", "y")],
            ),
            // An event without data is none, and its name is forgotten.
            ("event: error\n\ndata: y\n\n", vec![event("", "y")]),
            (
                ": comment\nid: 1\nretry: 5\nunknown: 1\ndata: x\n\n",
                vec![event("", "x")],
            ),
            (
                "\u{feff}data: x\r\n\r\ndata: y\r\rdata: z\n\n",
                vec![event("", "x"), event("", "y"), event("", "z")],
            ),
            ("\n\n\ndata: unfinished\n", vec![]),
        ] {
            assert_eq!(read(&[text.as_bytes()]), events, "{text:?}");
        }
    }

    #[test]
    fn any_split_gives_the_same_events() {
        let text = "\u{feff}: hi\r\ndata: añ😀\r\ndata: two\r\n\r\nevent: error\ndata: x\n\ndata: y\r\rdata: z\n\n".as_bytes();
        let whole = read(&[text]);
        assert_eq!(whole.len(), 4);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                assert_eq!(
                    read(&[&text[..first], &text[first..second], &text[second..]]),
                    whole,
                    "{first}, {second}"
                );
            }
        }
        assert_eq!(read(&text.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = SseReader::default();
        assert_eq!(reader.push(&vec![b'a'; EVENT_MAX]), Ok(vec![]));
        assert_eq!(reader.push(b"a"), Err(TooLong));
        let mut reader = SseReader::default();
        let line = format!("data: {}\n", "a".repeat(1_000));
        assert_eq!(
            (0..300).find(|_| reader.push(line.as_bytes()).is_err()),
            Some(EVENT_MAX / 1_001)
        );
    }
}
