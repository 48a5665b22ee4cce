//! What stands behind the wire layer: a recogniser, a voice and a model, scripted or real, met over channels.
//!
//! Each piece of work is a task that ends when its channel's other end is dropped. That is how a vendor's work
//! ends too: the socket closes, or the body is no longer read.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::groq::ChatRequest;
use crate::script::Script;
use crate::{scripted, speech};

/// Which kind.
pub(crate) enum Backend {
    Scripted,
    Speech(Arc<speech::Engines>),
}

impl Backend {
    /// A recogniser for one socket's audio at `rate`.
    pub(crate) fn recogniser(
        &self,
        script: &Arc<Script>,
        rate: u32,
        endpointing: Endpointing,
    ) -> Recogniser {
        match self {
            Self::Scripted => scripted::recogniser::start(Arc::clone(script), rate, endpointing),
            Self::Speech(engines) => {
                speech::recogniser::start(Arc::clone(engines), rate, endpointing)
            }
        }
    }

    /// The sound of `text` at `rate`, in pieces as they are made. The first is due `extra` later than usual.
    pub(crate) fn speak(
        &self,
        script: &Arc<Script>,
        text: &str,
        rate: u32,
        extra: Duration,
    ) -> mpsc::Receiver<Vec<i16>> {
        match self {
            Self::Scripted => scripted::voice::speak(script, text, rate, extra),
            Self::Speech(engines) => speech::voice::speak(engines, text, rate, extra),
        }
    }

    /// The answer to a request, the `ordinal`-th, in pieces as they are made.
    pub(crate) fn complete(
        &self,
        script: &Arc<Script>,
        request: &ChatRequest,
        ordinal: u64,
    ) -> mpsc::Receiver<Delta> {
        match self {
            Self::Scripted => scripted::model::complete(script, request, ordinal),
            Self::Speech(_) => speech::receptionist::complete(request),
        }
    }
}

/// What ends an utterance, if nobody asks for its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Endpointing {
    /// A short silence.
    Silence,
    /// The likelihood that the speaker has finished. What is said after a pause within the turn belongs to it.
    Turns(Thresholds),
}

/// How likely is likely enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thresholds {
    /// From here on [`Heard::LikelyOver`] is reported; never when absent.
    pub(crate) eager: Option<f64>,
    /// From here on the turn is over.
    pub(crate) end: f64,
    /// A silence that ends the turn in any case.
    pub(crate) timeout: Duration,
}

impl Thresholds {
    /// Whether likelihood alone ever ends a turn. Nothing is certain, so a threshold of 1 leaves the end to others.
    pub(crate) fn end_turns(self) -> bool {
        self.end < 1.0
    }
}

/// A recogniser at work on one socket.
pub(crate) struct Recogniser {
    pub(crate) ear: mpsc::UnboundedSender<Hear>,
    /// Ends after [`Hear::End`] or when `ear` is dropped, once the rest is recognised.
    pub(crate) heard: mpsc::UnboundedReceiver<Heard>,
}

/// What a recogniser is given.
pub(crate) enum Hear {
    /// Samples, and when they arrived.
    Audio(Instant, Vec<i16>),
    /// Other thresholds from now on, for a recogniser of turns.
    Configure(Thresholds),
    Finalize,
    End,
}

/// What a recogniser reports. Times are seconds of audio received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// What is left to say about a stretch of sound, and when the sound ended if it is over.
    Final {
        segment: Segment,
        over: Option<f64>,
        /// False when it was cut for its length, or ended only because nothing more came.
        speech_final: bool,
        from_finalize: bool,
        likelihood: Likelihood,
    },
    /// The speaker has probably finished, with these words. [`Heard::Resumed`] or a final follows.
    LikelyOver {
        segment: Segment,
        likelihood: Likelihood,
    },
    /// Nothing waited for `Finalize`.
    NothingToFinalize,
    Partial {
        segment: Segment,
        likelihood: Likelihood,
    },
    /// Sound again, after [`Heard::LikelyOver`].
    Resumed,
    SpeechStarted {
        at: f64,
    },
}

/// How likely the speaker has finished, from 0 to 1; nothing where nobody has judged it.
pub(crate) type Likelihood = Option<f32>;

/// A stretch of audio and its words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start: f64,
    pub(crate) end: f64,
    pub(crate) words: Vec<Word>,
}

/// A word as it is written in a sentence, and when it was said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) start: f64,
    pub(crate) end: f64,
}

impl Segment {
    /// Words spread evenly over the time from `start` to `end`.
    pub(crate) fn spread(words: &[String], start: f64, end: f64) -> Self {
        let each = (end - start) / words.len().max(1) as f64;
        let words = words.iter().enumerate().map(|(index, text)| {
            let start = start + index as f64 * each;
            Word {
                text: text.clone(),
                start,
                end: start + each,
            }
        });
        Self {
            start,
            end,
            words: words.collect(),
        }
    }
}

/// A piece of a model's answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Delta {
    Content(String),
    /// Why the answer ends, in place of the usual word. Nothing follows.
    Finish(String),
    Reasoning(String),
    /// A call's name, or more of its arguments when the name was given before.
    ToolCall {
        name: Option<String>,
        arguments: String,
    },
}

/// The rest of an answer that goes on after words which the request already has, if it begins with them in any spacing; the
/// whole of it otherwise.
pub(crate) fn continued(deltas: Vec<Delta>, after: &str) -> Vec<Delta> {
    let content = deltas.iter().filter_map(|delta| match delta {
        Delta::Content(text) => Some(text.as_str()),
        _ => None,
    });
    let content: String = content.collect();
    let Some(rest) = rest_of(&content, after) else {
        return deltas;
    };
    let mut known = content.len() - rest.len();
    let left = deltas.into_iter().filter_map(|delta| match delta {
        Delta::Content(text) => {
            let left = text.get(known.min(text.len())..).unwrap_or_default();
            known -= text.len() - left.len();
            (!left.is_empty()).then(|| Delta::Content(left.to_owned()))
        }
        other => Some(other),
    });
    left.collect()
}

/// What of `whole` comes after `begun`, if it begins with it but for white space.
fn rest_of<'a>(whole: &'a str, begun: &str) -> Option<&'a str> {
    let mut rest = whole.trim_start();
    for character in begun.chars().filter(|character| !character.is_whitespace()) {
        rest = rest.trim_start().strip_prefix(character)?;
    }
    Some(match begun.ends_with(char::is_whitespace) {
        true => rest.trim_start(),
        false => rest,
    })
}

/// Arguments of a call as the JSON text that goes on the wire.
pub(crate) fn arguments_text(arguments: &Value) -> String {
    match arguments {
        Value::Null => "{}".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_on_where_it_was_left() {
        for (begun, expected) in [
            ("We are open.", &[" Come", " any", " day."][..]),
            ("We  are\nopen. ", &["Come", " any", " day."]),
            ("We ar", &["e", " open.", " Come", " any", " day."]),
            ("We are open. Come any day.", &[]),
            (
                "You are",
                &["We", " are", " open.", " Come", " any", " day."],
            ),
        ] {
            let whole = ["We", " are", " open.", " Come", " any", " day."];
            let deltas = whole.map(|text| Delta::Content(text.to_owned())).to_vec();
            let expected: Vec<_> = expected
                .iter()
                .map(|text| Delta::Content((*text).to_owned()))
                .collect();
            assert_eq!(continued(deltas, begun), expected, "after {begun:?}");
        }
    }
}
