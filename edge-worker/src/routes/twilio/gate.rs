//! Who may bring a call's sound: only whoever begins with the token that the voice webhook gave for that call.

use crate::settings::AccountSid;
use crate::twilio::message::{self, Message, MessageError, Start};
use crate::twilio::{CallSid, StreamSid, StreamToken, TokenError, TokenKey};

/// Messages that may precede the start: `connected`, and what the company may invent.
const MESSAGES_BEFORE: u32 = 8;

/// Reads a stream's messages up to its start.
pub(super) struct Gate {
    account: AccountSid,
    key: TokenKey,
    seen: u32,
}

/// What a message means for the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admit {
        call: CallSid,
        stream: StreamSid,
    },
    Refuse(Refusal),
    /// The start is still to come.
    Wait,
}

/// Why a stream may not begin; fit for a log and for the socket's close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("stream of another account")]
    ForeignAccount,
    #[error("{0}")]
    Message(#[from] MessageError),
    #[error("no token")]
    NoToken,
    #[error("no start")]
    NoStart,
    #[error("{0}")]
    Token(#[from] TokenError),
}

impl Gate {
    pub(super) const fn new(account: AccountSid, key: TokenKey) -> Self {
        Self {
            account,
            key,
            seen: 0,
        }
    }

    /// Looks at a message. `now` is in seconds since 1970.
    pub(super) fn look(&mut self, text: &str, now: u64) -> Verdict {
        match message::parse(text, None) {
            Ok(Message::Connected | Message::Unknown) if self.seen < MESSAGES_BEFORE => {
                self.seen = self.seen.saturating_add(1);
                Verdict::Wait
            }
            Ok(Message::Start(start)) => match self.check(start, now) {
                Ok((call, stream)) => Verdict::Admit { call, stream },
                Err(refusal) => Verdict::Refuse(refusal),
            },
            Ok(_) => Verdict::Refuse(Refusal::NoStart),
            Err(error) => Verdict::Refuse(error.into()),
        }
    }

    fn check(&self, start: Start, now: u64) -> Result<(CallSid, StreamSid), Refusal> {
        if start.account != self.account {
            return Err(Refusal::ForeignAccount);
        }
        let token = start.token.as_deref().ok_or(Refusal::NoToken)?;
        StreamToken::verify(&self.key, token, &start.call, now)?;
        Ok((start.call, start.stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::ticket::SiteId;

    const NOW: u64 = 1_795_000_000;
    const STREAM: &str = include_str!("../../../fixtures/twilio-stream.jsonl");
    const CALL: &str = "CA2a3b4c5d6e7f8091a2b3c4d5e6f70819";

    fn key() -> TokenKey {
        TokenKey::new(&Settings::for_tests("http://127.0.0.1:9000"))
    }

    fn gate() -> Gate {
        gate_of("AC5ef8732a3c49700934481addd5ce1659")
    }

    fn gate_of(account: &str) -> Gate {
        Gate::new(AccountSid::parse(account).unwrap(), key())
    }

    fn line(number: usize) -> &'static str {
        STREAM.lines().nth(number).unwrap()
    }

    fn start(token: &str) -> String {
        assert!(line(1).contains("abc.def"));
        line(1).replace("abc.def", token)
    }

    fn token(call: &str) -> String {
        let site = SiteId::parse("demo-dental").unwrap();
        StreamToken::issue(&key(), &call.parse().unwrap(), &site, NOW)
    }

    #[test]
    fn a_good_token_admits_the_stream_of_its_call() {
        let mut gate = gate();
        assert_eq!(gate.look(line(0), NOW), Verdict::Wait);
        assert_eq!(
            gate.look(&start(&token(CALL)), NOW + 59),
            Verdict::Admit {
                call: CALL.parse().unwrap(),
                stream: "MZ18ad3ab5a668481ce02b83e7395059f0".parse().unwrap(),
            }
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let other = format!("CA{}", "0".repeat(32));
        for (text, now, refusal) in [
            (start(&token(CALL)), NOW + 60, TokenError::Expired.into()),
            (start(&token(&other)), NOW, TokenError::WrongCall.into()),
            (start("abc"), NOW, TokenError::Malformed.into()),
            (
                line(1).replace(r#"{"token":"abc.def"}"#, "{}"),
                NOW,
                Refusal::NoToken,
            ),
            (
                start(&token(CALL)).replace("x-mulaw", "l16"),
                NOW,
                MessageError::UnsupportedFormat.into(),
            ),
            ("{".to_owned(), NOW, MessageError::Malformed.into()),
            (line(2).to_owned(), NOW, Refusal::NoStart),
            (line(5).to_owned(), NOW, Refusal::NoStart),
        ] {
            assert_eq!(gate().look(&text, now), Verdict::Refuse(refusal), "{text}");
        }
        assert_eq!(
            gate_of("AC01").look(&start(&token(CALL)), NOW),
            Verdict::Refuse(Refusal::ForeignAccount)
        );
    }

    #[test]
    fn nobody_may_dawdle() {
        let mut gate = gate();
        for _ in 0..MESSAGES_BEFORE {
            assert_eq!(gate.look(line(0), NOW), Verdict::Wait);
        }
        assert_eq!(gate.look(line(0), NOW), Verdict::Refuse(Refusal::NoStart));
    }
}
