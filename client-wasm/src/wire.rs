//! The wire's JSON, read by the browser's own parser and written by hand.
//!
//! The messages are [`voice_core::wire`]'s; only the way to and from text is different here, because serde's would be a third
//! of all that a caller downloads. The tests hold every message of both unions against serde's reading of it.

use voice_core::turn::TurnId;
use voice_core::wire::{ClientMessage, Outcome, Phase, RefusalCode, ServerMessage, Speaker};

/// A JSON object, whoever parsed it.
pub(crate) trait Fields {
    fn text(&self, name: &str) -> Option<String>;
    fn number(&self, name: &str) -> Option<f64>;
    fn flag(&self, name: &str) -> Option<bool>;
}

/// What the edge said.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    Message(ServerMessage),
    /// A turn's report, which the page is given as it came.
    Report,
}

/// Reads a message; none if this page is too old to know it.
pub(crate) fn read(fields: &impl Fields) -> Option<Received> {
    let turn = || {
        fields
            .number("turn")
            .map(|number| TurnId::from_wire(number as u32))
    };
    let message = match fields.text("type")?.as_str() {
        "welcome" => ServerMessage::Welcome {
            protocol: fields.number("protocol")? as u32,
            call: fields.text("call")?,
            resume: fields.text("resume")?,
        },
        "reconnected" => ServerMessage::Reconnected {
            microphone: fields.number("microphone")? as u32,
        },
        "state" => ServerMessage::State {
            state: phase(&fields.text("state")?)?,
            turn: turn()?,
            reason: fields.text("reason")?,
        },
        "caption" => ServerMessage::Caption {
            speaker: match fields.text("speaker")?.as_str() {
                "agent" => Speaker::Agent,
                "caller" => Speaker::Caller,
                _ => return None,
            },
            turn: turn()?,
            text: fields.text("text")?,
            is_final: fields.flag("final")?,
            from_sample: fields.number("from_sample").map(|number| number as u64),
        },
        "cut" => ServerMessage::Cut {
            turn: turn()?,
            heard: fields.text("heard")?,
        },
        "flush" => ServerMessage::Flush { turn: turn()? },
        "resume" => ServerMessage::Resume { turn: turn()? },
        "report" => return Some(Received::Report),
        "ping" => ServerMessage::Ping {
            id: fields.number("id")? as u32,
        },
        "ended" => ServerMessage::Ended {
            outcome: outcome(&fields.text("outcome")?)?,
        },
        "error" => ServerMessage::Error {
            code: refusal(&fields.text("code")?)?,
            message: fields.text("message")?,
        },
        _ => return None,
    };
    Some(Received::Message(message))
}

/// Writes a message.
pub(crate) fn write(message: &ClientMessage) -> String {
    let number = |turn: TurnId| u64::from(turn.number());
    match *message {
        ClientMessage::Hello { protocol } => object("hello", &[("protocol", protocol.into())]),
        ClientMessage::Reconnected {
            protocol,
            turn,
            samples,
        } => object(
            "reconnected",
            &[
                ("protocol", protocol.into()),
                ("turn", number(turn)),
                ("samples", samples),
            ],
        ),
        ClientMessage::SpeechStarted => object("speech_started", &[]),
        ClientMessage::SpeechEnded { silence_ms } => {
            object("speech_ended", &[("silence_ms", silence_ms.into())])
        }
        ClientMessage::Paused { turn, samples } => {
            object("paused", &[("turn", number(turn)), ("samples", samples)])
        }
        ClientMessage::Played { turn, samples } => {
            object("played", &[("turn", number(turn)), ("samples", samples)])
        }
        ClientMessage::Flushed {
            turn,
            samples,
            discarded,
        } => object(
            "flushed",
            &[
                ("turn", number(turn)),
                ("samples", samples),
                ("discarded", discarded),
            ],
        ),
        ClientMessage::Pong { id } => object("pong", &[("id", id.into())]),
        ClientMessage::HangUp => object("hang_up", &[]),
    }
}

/// No string of a caller goes into a message, so nothing needs escaping.
fn object(kind: &str, fields: &[(&str, u64)]) -> String {
    let mut text = ["{\"type\":\"", kind, "\""].concat();
    for (name, value) in fields {
        text += ",\"";
        text += name;
        text += "\":";
        text += &value.to_string();
    }
    text + "}"
}

fn phase(name: &str) -> Option<Phase> {
    Some(match name {
        "idle" => Phase::Idle,
        "listening" => Phase::Listening,
        "processing" => Phase::Processing,
        "speaking" => Phase::Speaking,
        "interrupted" => Phase::Interrupted,
        "ended" => Phase::Ended,
        _ => return None,
    })
}

fn outcome(name: &str) -> Option<Outcome> {
    Some(match name {
        "completed" => Outcome::Completed,
        "hung_up" => Outcome::HungUp,
        "silent" => Outcome::Silent,
        "too_long" => Outcome::TooLong,
        "failed" => Outcome::Failed,
        "refused" => Outcome::Refused,
        "transferred" => Outcome::Transferred,
        _ => return None,
    })
}

fn refusal(name: &str) -> Option<RefusalCode> {
    Some(match name {
        "bad_message" => RefusalCode::BadMessage,
        "bad_frame" => RefusalCode::BadFrame,
        "too_large" => RefusalCode::TooLarge,
        "version" => RefusalCode::Version,
        "too_fast" => RefusalCode::TooFast,
        "unavailable" => RefusalCode::Unavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    impl Fields for Value {
        fn text(&self, name: &str) -> Option<String> {
            self[name].as_str().map(str::to_owned)
        }

        fn number(&self, name: &str) -> Option<f64> {
            self[name].as_f64()
        }

        fn flag(&self, name: &str) -> Option<bool> {
            self[name].as_bool()
        }
    }

    const TURN: TurnId = TurnId::from_wire(7);

    fn check(message: ServerMessage) {
        let value = serde_json::to_value(&message).expect("a message is JSON");
        assert_eq!(read(&value), Some(Received::Message(message)), "{value}");
    }

    #[test]
    fn what_the_edge_writes_is_read_as_it_was_meant() {
        check(ServerMessage::Welcome {
            protocol: 1,
            call: "c-1".into(),
            resume: "MDAw.q83v".into(),
        });
        check(ServerMessage::Reconnected {
            microphone: u32::MAX,
        });
        for state in [
            Phase::Idle,
            Phase::Listening,
            Phase::Processing,
            Phase::Speaking,
            Phase::Interrupted,
            Phase::Ended,
        ] {
            check(ServerMessage::State {
                state,
                turn: TURN,
                reason: "because".into(),
            });
        }
        for (speaker, from_sample) in [(Speaker::Agent, Some(1 << 40)), (Speaker::Caller, None)] {
            let text = "\"Grüß Gott\"".into();
            check(ServerMessage::Caption {
                speaker,
                turn: TURN,
                text,
                is_final: true,
                from_sample,
            });
        }
        check(ServerMessage::Cut {
            turn: TURN,
            heard: "We".into(),
        });
        check(ServerMessage::Flush { turn: TURN });
        check(ServerMessage::Resume { turn: TURN });
        check(ServerMessage::Ping { id: u32::MAX });
        for outcome in [
            Outcome::Completed,
            Outcome::HungUp,
            Outcome::Silent,
            Outcome::TooLong,
            Outcome::Failed,
            Outcome::Refused,
            Outcome::Transferred,
        ] {
            check(ServerMessage::Ended { outcome });
        }
        for code in [
            RefusalCode::BadMessage,
            RefusalCode::BadFrame,
            RefusalCode::TooLarge,
            RefusalCode::Version,
            RefusalCode::TooFast,
            RefusalCode::Unavailable,
        ] {
            check(ServerMessage::Error {
                code,
                message: "no".into(),
            });
        }
    }

    #[test]
    fn what_this_page_does_not_know_is_nothing() {
        for text in [
            "{}",
            r#"{"type":"song"}"#,
            r#"{"type":"flush"}"#,
            r#"{"type":"reconnected"}"#,
            r#"{"type":"welcome","protocol":1,"call":"c-1"}"#,
            r#"{"type":"ended","outcome":"sung"}"#,
        ] {
            let value: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(read(&value), None, "{text}");
        }
        assert_eq!(
            read(&serde_json::json!({ "type": "report" })),
            Some(Received::Report)
        );
    }

    #[test]
    fn what_the_page_writes_is_read_as_it_was_meant() {
        for message in [
            ClientMessage::Hello { protocol: 1 },
            ClientMessage::Reconnected {
                protocol: 1,
                turn: TURN,
                samples: 1 << 50,
            },
            ClientMessage::SpeechStarted,
            ClientMessage::SpeechEnded { silence_ms: 192 },
            ClientMessage::Paused {
                turn: TURN,
                samples: 1 << 50,
            },
            ClientMessage::Played {
                turn: TURN,
                samples: 0,
            },
            ClientMessage::Flushed {
                turn: TURN,
                samples: 1,
                discarded: 2,
            },
            ClientMessage::Pong { id: 3 },
            ClientMessage::HangUp,
        ] {
            assert_eq!(ClientMessage::parse(&write(&message)), Ok(message));
        }
    }
}
