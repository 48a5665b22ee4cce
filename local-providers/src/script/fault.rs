//! What goes wrong, on which connections, and when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::Service;

/// Which connections something goes wrong on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultRule {
    pub service: Service,
    /// The connection or request of that service, counted from 1; absent means every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// With `nth`: how many in a row.
    #[serde(default = "one")]
    pub times: u64,
    /// When the rule begins to hold, in milliseconds since it was given ([`crate::Providers::set_script`],
    /// [`crate::Providers::set_faults`]); absent means at once. A connection that is open by then is struck too, as if it
    /// had been opened at that moment, except by a fault that comes before an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<u64>,
    /// When it ceases to hold; absent means never. What would come later does not come, and what has gone wrong before stays
    /// so: a connection that hangs goes on hanging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    #[serde(flatten)]
    pub fault: Fault,
}

impl FaultRule {
    /// A rule for every connection of a service, at any time.
    #[must_use]
    pub const fn always(service: Service, fault: Fault) -> Self {
        Self {
            service,
            nth: None,
            times: 1,
            from_ms: None,
            until_ms: None,
            fault,
        }
    }

    /// A rule for one connection of a service, counted from 1.
    #[must_use]
    pub fn nth(service: Service, nth: u64, fault: Fault) -> Self {
        Self {
            nth: Some(nth),
            ..Self::always(service, fault)
        }
    }

    /// The same rule, for a stretch of time.
    #[must_use]
    pub fn between(self, from_ms: u64, until_ms: u64) -> Self {
        Self {
            from_ms: Some(from_ms),
            until_ms: Some(until_ms),
            ..self
        }
    }

    /// Whether it is meant for this connection, at its time.
    pub(crate) fn strikes(&self, service: Service, ordinal: u64) -> bool {
        let counted = self
            .nth
            .is_none_or(|nth| (nth..nth.saturating_add(self.times)).contains(&ordinal));
        self.service == service && counted
    }
}

/// What goes wrong.
///
/// `delay`, `drop`, `hang` and `refuse` come before an answer. The others befall a connection that is open, [`When`] they are
/// told to. An answer that is made in one piece (the list of models, an update of a phone call, a completion that is not
/// streamed) is open once its head is sent. On the media stream of a phone call every one of them is a [`Fault::Cut`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The socket closes with this code. For a request it is a [`Fault::Cut`].
    Close {
        #[serde(default = "internal_error")]
        code: u16,
        #[serde(default)]
        reason: String,
        #[serde(flatten)]
        when: When,
    },
    /// The connection is lost, with no close frame and no end of the body.
    Cut {
        #[serde(flatten)]
        when: When,
    },
    /// The answer is late: a request's answer, a socket's upgrade, and on a voice socket the first audio of every piece.
    Delay { ms: u64 },
    /// From then on what the service sends leaves a byte at a time: the bytes of a body, and the bytes of a socket's frames, so
    /// that a client sees a frame begin and not end. The service itself goes on as before, and so do its other faults.
    Drip {
        #[serde(default = "second")]
        every_ms: u64,
        #[serde(flatten)]
        when: When,
    },
    /// The connection is lost before any answer: no head of a response, no upgrade.
    Drop,
    /// An error message on the open connection: inside a 200 stream of chat, without `[DONE]`; an `Error` on a socket,
    /// which then closes with 1011. Elsewhere it is a [`Fault::Cut`].
    Error {
        /// The vendor's own error when absent.
        #[serde(default)]
        body: Value,
        #[serde(default)]
        shape: Shape,
        #[serde(flatten)]
        when: When,
    },
    /// What is sent is no message of the protocol, again and again, and the connection stays open: text that is no JSON on a
    /// socket, and binary frames on one that only speaks text; a broken event and noise in a stream of chat. Another request
    /// that has it from the start is answered with a page of HTML and status 200, one that has it later goes on with such a
    /// page.
    Garbage {
        #[serde(flatten)]
        when: When,
    },
    /// The connection is accepted and never answered: no head of a response, no upgrade. It ends when the client gives up.
    Hang,
    /// The request, or the upgrade, is answered with this status.
    Refuse {
        status: u16,
        /// A string is sent as text, anything else as JSON; the vendor's own body for the status when absent.
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The connection stays open and nothing more is said on it.
    Stall {
        #[serde(flatten)]
        when: When,
    },
    /// A stream of chat is cut between the bytes of one character. Elsewhere it is a [`Fault::Cut`].
    Tear {
        #[serde(flatten)]
        when: When,
    },
}

impl Fault {
    /// When it comes, if it comes to an open connection.
    pub(crate) const fn when(&self) -> Option<&When> {
        match self {
            Self::Close { when, .. }
            | Self::Cut { when }
            | Self::Drip { when, .. }
            | Self::Error { when, .. }
            | Self::Garbage { when }
            | Self::Stall { when }
            | Self::Tear { when } => Some(when),
            Self::Delay { .. } | Self::Drop | Self::Hang | Self::Refuse { .. } => None,
        }
    }
}

/// How the vendor words an error or a warning: in two ways, and a model in a third one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// As it was seen: `event: error` of chat; on Deepgram's sockets the members of older servers and of the SDKs (`variant`,
    /// `warn_code`), and Flux's own.
    #[default]
    Wire,
    /// As it is specified: a plain `data:` of chat with an `error` in it; `code` and `description` on Deepgram's sockets.
    Specification,
    /// Chat: `x_groq.error` in a chunk that is otherwise empty. Elsewhere like [`Shape::Wire`].
    XGroq,
}

/// When something goes wrong on an open connection. At most one kind of count is given: tokens, sounds, or messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// Milliseconds from the opening of the connection; with a count, from when it is reached.
    #[serde(default)]
    pub after_ms: u64,
    /// Chat: tokens of the answer that are out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_tokens: Option<usize>,
    /// A voice: pieces of sound that are out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_sounds: Option<usize>,
    /// A socket of Deepgram's: messages received, audio among them. The last of them is not answered any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_messages: Option<usize>,
    /// The same for messages of this type alone (`Finalize`, `Flush`; `audio` for a binary one): the first, or as many as
    /// `after_messages` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_kind: Option<String>,
}

/// What a [`When`] waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cue {
    Messages { kind: Option<String>, count: usize },
    Sounds(usize),
    Time,
    Tokens(usize),
}

impl When {
    /// As soon as the connection is open.
    #[must_use]
    pub fn at_once() -> Self {
        Self::default()
    }

    /// This long after the opening of the connection.
    #[must_use]
    pub fn after_ms(after_ms: u64) -> Self {
        Self {
            after_ms,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn after_tokens(tokens: usize) -> Self {
        Self {
            after_tokens: Some(tokens),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn after_sounds(sounds: usize) -> Self {
        Self {
            after_sounds: Some(sounds),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn after_messages(messages: usize) -> Self {
        Self {
            after_messages: Some(messages),
            ..Self::default()
        }
    }

    /// With the first message of this type.
    #[must_use]
    pub fn after_kind(kind: &str) -> Self {
        Self {
            after_kind: Some(kind.to_owned()),
            ..Self::default()
        }
    }

    pub(crate) fn cue(&self) -> Cue {
        match self {
            Self {
                after_tokens: Some(count),
                ..
            } => Cue::Tokens(*count),
            Self {
                after_sounds: Some(count),
                ..
            } => Cue::Sounds(*count),
            Self {
                after_messages: None,
                after_kind: None,
                ..
            } => Cue::Time,
            Self {
                after_messages,
                after_kind,
                ..
            } => Cue::Messages {
                kind: after_kind.clone(),
                count: after_messages.unwrap_or(1),
            },
        }
    }
}

const fn one() -> u64 {
    1
}

const fn second() -> u64 {
    1_000
}

const fn internal_error() -> u16 {
    1011
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_reads_as_it_is_written() {
        for (fault, written) in [
            (
                Fault::Close {
                    code: 1011,
                    reason: String::new(),
                    when: When::after_kind("Finalize"),
                },
                json!({ "fault": "close", "after_kind": "Finalize" }),
            ),
            (
                Fault::Cut {
                    when: When::after_ms(30),
                },
                json!({ "fault": "cut", "after_ms": 30 }),
            ),
            (Fault::Delay { ms: 5 }, json!({ "fault": "delay", "ms": 5 })),
            (
                Fault::Drip {
                    every_ms: 1_000,
                    when: When::after_sounds(2),
                },
                json!({ "fault": "drip", "after_sounds": 2 }),
            ),
            (Fault::Drop, json!({ "fault": "drop" })),
            (
                Fault::Error {
                    body: Value::Null,
                    shape: Shape::XGroq,
                    when: When::after_tokens(2),
                },
                json!({ "fault": "error", "shape": "x_groq", "after_tokens": 2 }),
            ),
            (
                Fault::Garbage {
                    when: When::after_messages(3),
                },
                json!({ "fault": "garbage", "after_messages": 3 }),
            ),
            (Fault::Hang, json!({ "fault": "hang" })),
            (
                Fault::Stall {
                    when: When::at_once(),
                },
                json!({ "fault": "stall" }),
            ),
            (
                Fault::Tear {
                    when: When::at_once(),
                },
                json!({ "fault": "tear" }),
            ),
        ] {
            let rule = |mut fault: Value| {
                fault["service"] = json!("listen");
                serde_json::from_value::<FaultRule>(fault)
            };
            assert_eq!(rule(written).expect("a rule").fault, fault);
            let again = serde_json::to_value(&fault).expect("JSON");
            assert_eq!(rule(again).expect("a rule").fault, fault);
        }
    }

    #[test]
    fn a_kind_alone_waits_for_its_first_message() {
        let first = Cue::Messages {
            kind: Some("Flush".into()),
            count: 1,
        };
        assert_eq!(When::after_kind("Flush").cue(), first);
        assert_eq!(When::after_ms(7).cue(), Cue::Time);
    }
}
