//! A model that answers from the script, a word at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::backend::{Delta, arguments_text, continued};
use crate::groq::ChatRequest;
use crate::script::{Reply, Script, ToolCall};

pub(crate) fn complete(
    script: &Arc<Script>,
    request: &ChatRequest,
    ordinal: u64,
) -> mpsc::Receiver<Delta> {
    let (sender, receiver) = mpsc::channel(TOKENS_WAITING);
    let latency = script.latency.clone();
    let reasons = script.settings.reasoning && request.model.contains("gpt-oss");
    let deltas = match request.begun() {
        Some((begun, before)) => continued(answer(script, &before, ordinal, reasons), &begun),
        None => answer(script, request, ordinal, reasons),
    };
    let first_at = Instant::now() + Duration::from_millis(latency.llm_first_token_ms);
    tokio::spawn(async move {
        for (index, delta) in deltas.into_iter().enumerate() {
            sleep_until(first_at + Duration::from_millis(latency.llm_token_ms * index as u64))
                .await;
            if sender.send(delta).await.is_err() {
                return;
            }
        }
    });
    receiver
}

fn answer(script: &Script, request: &ChatRequest, ordinal: u64, reasons: bool) -> Vec<Delta> {
    let asked = request.last_user().to_lowercase();
    let fits = |reply: &&Reply| {
        reply
            .when
            .as_ref()
            .is_none_or(|when| asked.contains(&when.to_lowercase()))
            && reply.nth.is_none_or(|nth| nth == ordinal)
    };
    let mut deltas = Vec::new();
    if reasons {
        deltas.extend(tokens(REASONING).map(Delta::Reasoning));
    }
    let reply = script.replies.iter().find(fits);
    match reply {
        None => deltas.extend(tokens(Script::OTHERWISE).map(Delta::Content)),
        Some(Reply {
            tool_call: Some(call),
            preface,
            more_calls,
            insists,
            ..
        }) if *insists || !request.ends_with_tool_result() => {
            deltas.extend(tokens(preface).map(Delta::Content));
            let calls = std::iter::once(call).chain(more_calls);
            deltas.extend(calls.flat_map(called));
        }
        Some(reply) if reply.only_reasoning => {
            deltas.extend(tokens(&reply.say).map(Delta::Reasoning));
        }
        Some(reply) => deltas.extend(tokens(&reply.say).map(Delta::Content)),
    }
    let reason = reply.and_then(|reply| reply.finish_reason.clone());
    deltas.extend(reason.map(Delta::Finish));
    deltas
}

fn called(call: &ToolCall) -> Vec<Delta> {
    let arguments = arguments_text(&call.arguments);
    let half = if call.split {
        middle(&arguments)
    } else {
        arguments.len()
    };
    let (first, rest) = arguments.split_at(half);
    let begun = Delta::ToolCall {
        name: Some(call.name.clone()),
        arguments: first.to_owned(),
    };
    let ended = (!rest.is_empty()).then(|| Delta::ToolCall {
        name: None,
        arguments: rest.to_owned(),
    });
    std::iter::once(begun).chain(ended).collect()
}

/// Words with the space before them, as models' vocabularies have them.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let mut space = "";
    let mut tokens = Vec::with_capacity(words.len());
    for word in words {
        tokens.push(format!("{space}{}", word.trim_end_matches(' ')));
        space = &word[word.trim_end_matches(' ').len()..];
    }
    tokens.into_iter().filter(|token| !token.is_empty())
}

fn middle(text: &str) -> usize {
    (text.len() / 2..text.len())
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(text.len())
}

/// What gpt-oss says to itself. It must never be spoken.
const REASONING: &str = "The caller asks something. Answer briefly.";

/// A reader that is slow to take tokens holds the model back, as TCP does.
const TOKENS_WAITING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_join_to_the_text() {
        for text in ["We are open from nine to five.", "", "one", "two  spaces"] {
            assert_eq!(tokens(text).collect::<String>(), text);
        }
        assert_eq!(
            tokens("We are open").collect::<Vec<_>>(),
            ["We", " are", " open"]
        );
    }
}
