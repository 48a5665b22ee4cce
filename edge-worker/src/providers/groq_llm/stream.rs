//! The answer's stream: bytes cut anywhere → what the model said and asked for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::failure::classify_in_stream;
use crate::providers::sse::{SseEvent, SseReader, TooLong};
use crate::providers::{ModelEvent, ModelFailure, Usage};

/// One answer. It ends once, with [`ModelEvent::Done`] or [`ModelEvent::Failed`]; whatever comes after that is ignored.
#[derive(Debug, Default)]
pub struct ChatStream {
    sse: SseReader,
    /// Tool calls in pieces, by the vendor's index.
    calls: BTreeMap<u32, ToolCall>,
    usage: Usage,
    is_over: bool,
}

#[derive(Debug, Default)]
struct ToolCall {
    id: String,
    name: String,
    arguments: String,
}

impl ChatStream {
    /// Takes some bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<ModelEvent> {
        let mut told = Vec::new();
        if self.is_over {
            return told;
        }
        match self.sse.push(bytes) {
            Ok(events) => events
                .into_iter()
                .for_each(|event| self.on_event(&event, &mut told)),
            Err(TooLong) => self.fail(another("an endless event"), &mut told),
        }
        told
    }

    /// The body has ended.
    pub fn finish(&mut self) -> Vec<ModelEvent> {
        let mut told = Vec::new();
        self.fail(another("cut short"), &mut told);
        told
    }

    /// What the answer cost, as far as the vendor has said.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    fn on_event(&mut self, event: &SseEvent, told: &mut Vec<ModelEvent>) {
        if self.is_over {
            return;
        }
        if event.data.trim() == "[DONE]" {
            self.end(told);
            return;
        }
        let Ok(chunk) = serde_json::from_str::<Chunk>(&event.data) else {
            self.fail(another("an unreadable chunk"), told);
            return;
        };
        if let Some(usage) = chunk.usage {
            self.usage = Usage {
                tokens_in: usage.prompt_tokens.unwrap_or_default(),
                tokens_out: usage.completion_tokens.unwrap_or_default(),
            };
        }
        if let Some(error) = chunk.error.as_ref().filter(|error| !error.is_null()) {
            self.fail(classify_in_stream(error), told);
            return;
        }
        if event.kind == "error" || chunk.x_groq.is_some_and(|x| x.error.is_some()) {
            self.fail(another("an error without a code"), told);
            return;
        }
        // One answer is asked for, so there is one choice; with usage there is none.
        if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
            self.on_choice(choice, told);
        }
    }

    fn on_choice(&mut self, choice: Choice, told: &mut Vec<ModelEvent>) {
        let delta = choice.delta.unwrap_or_default();
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            told.push(ModelEvent::Token(text));
        }
        for part in delta.tool_calls.unwrap_or_default() {
            let call = self.calls.entry(part.index.unwrap_or(0)).or_default();
            let function = part.function.unwrap_or_default();
            if call.id.is_empty() {
                call.id = part.id.unwrap_or_default();
            }
            if call.name.is_empty() {
                call.name = function.name.unwrap_or_default();
            }
            call.arguments
                .push_str(&function.arguments.unwrap_or_default());
        }
        match choice.finish_reason.as_deref() {
            None => {}
            // What was said up to the cut can be spoken; half a call cannot be carried out.
            Some("length") if !self.calls.is_empty() => {
                self.fail(another("a tool call cut at the limit"), told)
            }
            Some("content_filter") => self.fail(another("content filter"), told),
            Some(_) => self.end(told),
        }
    }

    fn end(&mut self, told: &mut Vec<ModelEvent>) {
        for ToolCall {
            id,
            name,
            arguments,
        } in std::mem::take(&mut self.calls).into_values()
        {
            if name.is_empty() {
                self.fail(another("a tool call without a name"), told);
                return;
            }
            let arguments = if arguments.is_empty() {
                "{}".to_owned()
            } else {
                arguments
            };
            told.push(ModelEvent::ToolCall {
                id,
                name,
                arguments,
            });
        }
        self.is_over = true;
        told.push(ModelEvent::Done);
    }

    fn fail(&mut self, failure: ModelFailure, told: &mut Vec<ModelEvent>) {
        if !std::mem::replace(&mut self.is_over, true) {
            told.push(ModelEvent::Failed(failure));
        }
    }
}

fn another(reason: &str) -> ModelFailure {
    ModelFailure::TryAnother {
        reason: reason.to_owned(),
    }
}

// Reasoning is not read at all: it must never be spoken.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    error: Option<Value>,
    x_groq: Option<Extra>,
    usage: Option<Used>,
}

#[derive(Deserialize)]
struct Used {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct Extra {
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Vec<ToolCallPart>>,
}

#[derive(Deserialize)]
struct ToolCallPart {
    index: Option<u32>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Default, Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = include_str!("../../../fixtures/groq-text.sse");
    const REASONING: &str = include_str!("../../../fixtures/groq-reasoning.sse");
    const TOOL_CALL: &str = include_str!("../../../fixtures/groq-tool-call.sse");
    const SPLIT_TOOL_CALLS: &str = include_str!("../../../fixtures/groq-tool-calls-split.sse");
    const ERROR: &str = include_str!("../../../fixtures/groq-error-after-content.sse");
    const FIXTURES: [&str; 5] = [TEXT, REASONING, TOOL_CALL, SPLIT_TOOL_CALLS, ERROR];

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<ModelEvent> {
        let mut stream = ChatStream::default();
        let mut told: Vec<_> = chunks
            .into_iter()
            .flat_map(|chunk| stream.push(chunk))
            .collect();
        told.extend(stream.finish());
        told
    }

    fn read_text(text: &str) -> Vec<ModelEvent> {
        read([text.as_bytes()])
    }

    fn token(text: &str) -> ModelEvent {
        ModelEvent::Token(text.to_owned())
    }

    fn call(id: &str, name: &str, arguments: &str) -> ModelEvent {
        ModelEvent::ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    fn failed(reason: &str) -> ModelEvent {
        ModelEvent::Failed(another(reason))
    }

    #[test]
    fn text_comes_as_tokens() {
        assert_eq!(
            read_text(TEXT),
            [
                token("We"),
                token("'re open until five – "),
                token("café"),
                token(" included 😀."),
                ModelEvent::Done
            ]
        );
    }

    #[test]
    fn what_an_answer_cost_is_told_with_its_end() {
        let mut stream = ChatStream::default();
        assert_eq!(stream.usage(), Usage::default());
        stream.push(TEXT.as_bytes());
        assert!(stream.usage().tokens_in > 0 && stream.usage().tokens_out > 0);
    }

    #[test]
    fn thoughts_are_not_spoken() {
        assert_eq!(
            read_text(REASONING),
            [token("Of course."), ModelEvent::Done]
        );
    }

    #[test]
    fn a_tool_call_comes_whole() {
        let arguments = r#"{"service":"cleaning","day":"2026-11-24"}"#;
        assert_eq!(
            read_text(TOOL_CALL),
            [
                call(
                    "fc_00000000-0000-4000-8000-000000000003",
                    "check_availability",
                    arguments
                ),
                ModelEvent::Done
            ]
        );
    }

    #[test]
    fn tool_calls_in_pieces_are_gathered_by_index() {
        assert_eq!(
            read_text(SPLIT_TOOL_CALLS),
            [
                token("One moment."),
                call("ta0000001", "check_availability", r#"{"day":"2026-11-24"}"#),
                call("ta0000002", "end_call", "{}"),
                ModelEvent::Done
            ]
        );
    }

    #[test]
    fn an_error_after_content_is_a_failure() {
        let failure = ModelFailure::RetryAfter {
            millis: 0,
            reason: "400 tool_use_failed".to_owned(),
        };
        assert_eq!(
            read_text(ERROR),
            [token("Let me "), ModelEvent::Failed(failure)]
        );
    }

    #[test]
    fn any_split_in_two_gives_the_same_events() {
        for fixture in FIXTURES {
            let whole = read_text(fixture);
            for cut in 0..=fixture.len() {
                let (first, second) = fixture.as_bytes().split_at(cut);
                assert_eq!(read([first, second]), whole, "cut at {cut}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_split_gives_the_same_events(which in 0..FIXTURES.len(), lengths in prop::collection::vec(1..80_usize, 1..200)) {
            let mut rest = FIXTURES[which].as_bytes();
            let mut chunks = Vec::new();
            for length in lengths {
                let (chunk, tail) = rest.split_at(length.min(rest.len()));
                chunks.push(chunk);
                rest = tail;
            }
            chunks.push(rest);
            prop_assert_eq!(read(chunks), read_text(FIXTURES[which]));
        }

        #[test]
        fn any_bytes_end_exactly_once(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let told = read([b"data: ".as_slice(), &bytes, b"\n\n"]);
            let ends = told.iter().filter(|event| matches!(event, ModelEvent::Done | ModelEvent::Failed(_))).count();
            prop_assert_eq!(ends, 1);
        }
    }

    #[test]
    fn a_body_that_just_ends_has_failed() {
        let (half, _) = TEXT.split_once("\"finish_reason\":\"stop\"").unwrap();
        assert_eq!(read_text(half).last(), Some(&failed("cut short")));
        assert_eq!(read_text(""), [failed("cut short")]);
        // The reason to finish is enough: the mark after it may be lost.
        let (without_mark, _) = TEXT.split_once("data: [DONE]").unwrap();
        assert_eq!(read_text(without_mark).last(), Some(&ModelEvent::Done));
    }

    #[test]
    fn errors_come_in_several_dresses() {
        for (text, event) in [
            (
                "data: {\"error\":{\"message\":\"m\",\"code\":\"model_not_found\",\"status_code\":404}}\n\n",
                failed("404 model_not_found"),
            ),
            (
                "data: {\"error\":{\"message\":\"m\",\"status_code\":503}}\n\n",
                failed("503"),
            ),
            (
                "event: error\ndata: {}\n\n",
                failed("an error without a code"),
            ),
            (
                "data: {\"choices\":[],\"x_groq\":{\"id\":\"req_0\",\"error\":\"over capacity\"}}\n\n",
                failed("an error without a code"),
            ),
            ("data: {\"choices\":\n\n", failed("an unreadable chunk")),
            ("data: over capacity\n\n", failed("an unreadable chunk")),
        ] {
            assert_eq!(read_text(text), [event], "{text}");
        }
    }

    #[test]
    fn half_a_tool_call_is_never_carried_out() {
        let text = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"end_call\",\"arguments\":\"{\\\"x\"}}]}}]}\n\n\
                    data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
        assert_eq!(read_text(text), [failed("a tool call cut at the limit")]);
        let (cut, _) = text
            .split_once("data: {\"choices\":[{\"delta\":{},")
            .unwrap();
        assert_eq!(read_text(cut), [failed("cut short")]);
        let nameless = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]},\"finish_reason\":\"tool_calls\"}]}\n\n";
        assert_eq!(read_text(nameless), [failed("a tool call without a name")]);
    }

    #[test]
    fn a_long_answer_is_spoken_up_to_its_cut() {
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"And so\"},\"finish_reason\":\"length\"}]}\n\n";
        assert_eq!(read_text(text), [token("And so"), ModelEvent::Done]);
    }
}
