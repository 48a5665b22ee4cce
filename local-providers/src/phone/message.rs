//! The text frames of a media stream: Twilio's are written as they were recorded, numbers as strings, and the worker's are
//! read as strictly as Twilio reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The messages of one stream, numbered.
pub(crate) struct Script {
    stream_sid: String,
    sequence: u64,
    chunk: u64,
    first_timestamp: u64,
}

impl Script {
    pub(crate) fn new(stream_sid: String, first_timestamp: u64) -> Self {
        Self {
            stream_sid,
            sequence: 0,
            chunk: 0,
            first_timestamp,
        }
    }

    pub(crate) fn stream_sid(&self) -> &str {
        &self.stream_sid
    }

    /// It has neither a number nor a stream.
    pub(crate) fn connected() -> String {
        r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned()
    }

    pub(crate) fn start(
        &mut self,
        account_sid: &str,
        call_sid: &str,
        parameters: &[(String, String)],
    ) -> String {
        let parameters = parameters
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let parameters = Value::Object(parameters.collect());
        let (account_sid, call_sid) = (json!(account_sid), json!(call_sid));
        let (sequence, stream_sid) = (self.next(), &self.stream_sid);
        format!(
            r#"{{"event":"start","sequenceNumber":"{sequence}","start":{{"accountSid":{account_sid},"streamSid":"{stream_sid}","callSid":{call_sid},"tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{parameters}}},"streamSid":"{stream_sid}"}}"#
        )
    }

    pub(crate) fn media(&mut self, codes: &[u8]) -> String {
        let timestamp = self.timestamp();
        self.chunk += 1;
        let (sequence, chunk, stream_sid) = (self.next(), self.chunk, &self.stream_sid);
        let payload = STANDARD.encode(codes);
        format!(
            r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{timestamp}","payload":"{payload}"}},"streamSid":"{stream_sid}"}}"#
        )
    }

    /// Steps are 20 ms but for one in a while: 72 of them were seen to take 1438.
    fn timestamp(&self) -> u64 {
        let wobble = u64::from(self.chunk % 11 == 5);
        self.first_timestamp + self.chunk * 20 - self.chunk / 36 + wobble
    }

    pub(crate) fn dtmf(&mut self, digit: char) -> String {
        let (sequence, stream_sid) = (self.next(), &self.stream_sid);
        format!(
            r#"{{"event":"dtmf","streamSid":"{stream_sid}","sequenceNumber":"{sequence}","dtmf":{{"track":"inbound_track","digit":"{digit}"}}}}"#
        )
    }

    pub(crate) fn mark(&mut self, name: &str) -> String {
        let name = json!(name);
        let (sequence, stream_sid) = (self.next(), &self.stream_sid);
        format!(
            r#"{{"event":"mark","sequenceNumber":"{sequence}","streamSid":"{stream_sid}","mark":{{"name":{name}}}}}"#
        )
    }

    pub(crate) fn stop(&mut self, account_sid: &str, call_sid: &str) -> String {
        let (account_sid, call_sid) = (json!(account_sid), json!(call_sid));
        let (sequence, stream_sid) = (self.next(), &self.stream_sid);
        format!(
            r#"{{"event":"stop","sequenceNumber":"{sequence}","streamSid":"{stream_sid}","stop":{{"accountSid":{account_sid},"callSid":{call_sid}}}}}"#
        )
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

/// What the worker asks of the far buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Clear,
    Mark(String),
    Media(Vec<u8>),
}

impl Request {
    /// Reads a message for this stream. The error is warning 31951 in other words.
    pub(crate) fn parse(text: &str, stream_sid: &str) -> Result<Self, String> {
        let message: Value =
            serde_json::from_str(text).map_err(|_| "the message is no JSON".to_owned())?;
        if message["streamSid"] != stream_sid {
            return Err("the streamSid is not of this stream".to_owned());
        }
        match message["event"].as_str() {
            Some("clear") => Ok(Self::Clear),
            Some("mark") => match message["mark"]["name"].as_str() {
                Some(name) => Ok(Self::Mark(name.to_owned())),
                None => Err("a mark without a name".to_owned()),
            },
            Some("media") => {
                let payload = message["media"]["payload"].as_str();
                let codes = payload.and_then(|payload| STANDARD.decode(payload).ok());
                codes
                    .map(Self::Media)
                    .ok_or_else(|| "media whose payload is no base64".to_owned())
            }
            _ => Err("an unknown event".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "MZ0123456789abcdef0123456789abcdef";

    #[test]
    fn messages_are_those_that_were_recorded() {
        let mut script = Script::new(SID.to_owned(), 155);
        assert_eq!(
            script.start("AC1", "CA1", &[("token".to_owned(), "a\"b".to_owned())]),
            r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ0123456789abcdef0123456789abcdef","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"a\"b"}},"streamSid":"MZ0123456789abcdef0123456789abcdef"}"#
        );
        assert_eq!(
            script.media(&[0x7F, 0xFF, 0x80]),
            r#"{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"155","payload":"f/+A"},"streamSid":"MZ0123456789abcdef0123456789abcdef"}"#
        );
        assert_eq!(
            script.dtmf('#'),
            r##"{"event":"dtmf","streamSid":"MZ0123456789abcdef0123456789abcdef","sequenceNumber":"3","dtmf":{"track":"inbound_track","digit":"#"}}"##
        );
        assert_eq!(
            script.mark("t1-p0-g0"),
            r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ0123456789abcdef0123456789abcdef","mark":{"name":"t1-p0-g0"}}"#
        );
        assert_eq!(
            script.stop("AC1", "CA1"),
            r#"{"event":"stop","sequenceNumber":"5","streamSid":"MZ0123456789abcdef0123456789abcdef","stop":{"accountSid":"AC1","callSid":"CA1"}}"#
        );
    }

    #[test]
    fn timestamps_grow_by_about_twenty() {
        let mut script = Script::new(SID.to_owned(), 155);
        let stamps: Vec<u64> = (0..200)
            .map(|_| {
                let message: Value =
                    serde_json::from_str(&script.media(&[0xFF; 160])).expect("JSON");
                let stamp = message["media"]["timestamp"].as_str().expect("a string");
                stamp.parse().expect("a number")
            })
            .collect();
        let steps: Vec<u64> = stamps.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (18..=22).contains(step)));
        assert!(steps.iter().any(|step| *step != 20));
        assert_eq!(stamps[72] - stamps[0], 1_438);
    }

    #[test]
    fn a_request_is_read_or_named() {
        let parse = |text: &str| Request::parse(&text.replace("SID", SID), SID);
        assert_eq!(
            parse(r#"{"event":"media","streamSid":"SID","media":{"payload":"f/+A"}}"#),
            Ok(Request::Media(vec![0x7F, 0xFF, 0x80]))
        );
        assert_eq!(
            parse(r#"{"event":"mark","streamSid":"SID","mark":{"name":"x"}}"#),
            Ok(Request::Mark("x".to_owned()))
        );
        assert_eq!(
            parse(r#"{"event":"clear","streamSid":"SID"}"#),
            Ok(Request::Clear)
        );
        for wrong in [
            "",
            "[]",
            r#"{"event":"clear"}"#,
            r#"{"event":"clear","streamSid":"MZ1"}"#,
            r#"{"event":"stop","streamSid":"SID"}"#,
            r#"{"event":"mark","streamSid":"SID","mark":{}}"#,
            r#"{"event":"media","streamSid":"SID","media":{}}"#,
            r#"{"event":"media","streamSid":"SID","media":{"payload":"f_-A"}}"#,
            r#"{"event":"media","streamSid":"SID","media":{"payload":"f/+"}}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
