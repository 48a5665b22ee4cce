//! Answers that are begun before the caller has certainly finished: with the recogniser Flux, which says when that is likely.

use anyhow::{Context, ensure};
use local_providers::Script;
use local_providers::phone::EventKind;
use serde_json::{Value, json};
use tests::asked::{given, requests};
use tests::caller::PATIENCE;
use tests::door::Guest;
use tests::figures::show;
use tests::headset::Told;
use tokio::time::timeout;
use voice_core::wire::{Outcome, ServerMessage};

use crate::{Stage, behind_both_doors, ensure_none, ensure_whole, times};

const FLUX: [(&str, &str); 1] = [("STT_MODEL", "flux-general-en")];

/// A pause in which Flux takes an end for likely, and not for certain.
const PAUSE: u64 = 400;
const LIKELY: u64 = 80;
const CERTAIN: u64 = 600;

const HOURS: &str = "We open at nine in the morning.";
const PRICE: &str = "A cleaning is ninety dollars and that is with the examination in it.";
const LENGTH: &str = "It takes about three quarters of an hour.";
const DROPPED: &str = "That one was never to be said,";
const MONDAY: &str = "Monday is fine and we look forward to it.";

#[tokio::test(flavor = "multi_thread")]
async fn with_flux_each_turn_has_one_answer_and_what_was_dropped_is_never_heard()
-> anyhow::Result<()> {
    behind_both_doors(async |door| {
        // Long enough that the model is still talking when it is dropped.
        let dropped = format!("{DROPPED} {}", "and neither is this ".repeat(20));
        let script = |about_monday: &str| {
            json!({
                "latency": { "flux_eager_ms": LIKELY, "flux_end_ms": CERTAIN, "llm_token_ms": 10 },
                "utterances": [
                    "What are your opening hours?", "How much is a cleaning?", "Wait, how long does it take?", "Can I come on Monday?",
                ],
                "replies": [
                    { "when": "hours", "say": HOURS }, { "when": "how much", "say": PRICE }, { "when": "how long", "say": LENGTH },
                    { "when": "monday", "say": about_monday },
                ],
            })
        };
        let stage = Stage::new(door, &script(&dropped), &FLUX).await?;
        let guest = stage.guest().await?;
        let first = guest.ask(900).await?;

        let second = guest.say(900).await?;
        guest.answered(second.to_ms).await?;
        guest.wait(1_500).await;
        let known = guest.states().len();
        let over_her = guest.say(1_000).await?;
        guest.heard_out(known).await?;

        let known = guest.states().len();
        let resumed = guest.say_in_two(700, PAUSE, 700).await?;
        stage.answer_resumption_with(&script(MONDAY)).await?;
        guest.heard_out(known).await?;
        guest.wait(200).await;
        let end = guest.elapsed_ms();
        guest.hang_up().await?;

        let her = guest.her();
        ensure_whole(&her, HOURS, first.to_ms, second.from_ms)?;
        let heard = her.tone_ms(PRICE, second.to_ms, over_her.from_ms + 500.0);
        ensure!(heard > 1_000.0, "{heard} ms of the answer that was cut");
        let next = her.first_sound(over_her.to_ms).context("no third answer")?;
        ensure_none(&her, PRICE, next, end)?;
        ensure_whole(&her, LENGTH, over_her.to_ms, resumed.from_ms)?;
        ensure_none(&her, DROPPED, resumed.from_ms, end)?;
        ensure_whole(&her, MONDAY, resumed.to_ms, end)?;

        let requests = requests(&stage.providers);
        let about_monday = requests.get(3..).unwrap_or_default();
        ensure!(
            about_monday.len() > 1
                && about_monday.first().is_some_and(|request| request.withdrawn)
                && about_monday.last().is_some_and(|request| !request.withdrawn),
            "requests: {requests:#?}"
        );
        let spoken: Vec<String> = given(&stage.providers).into_iter().map(|given| given.text).collect();
        ensure!(
            spoken.iter().any(|text| text == DROPPED),
            "the voice was never given what was dropped: {spoken:#?}"
        );
        // The greeting and four answers.
        ensure!(times(&guest, "Speaking") == 5, "{:#?}", guest.states());
        if let Some(visitor) = guest.visitor() {
            let reports = visitor.reports();
            let wasted: u32 = reports.iter().map(|report| report.speculative_wasted).sum();
            let made: u32 = reports.iter().map(|report| report.speculative_requests).sum();
            show(format_args!("Flux: {made} requests made ahead, {wasted} dropped"));
            ensure!(made as usize == requests.len() && made - wasted == 4, "{reports:#?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_not_ended_by_an_answer_that_was_dropped() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        let goodbye = "Goodbye and thank you for calling.";
        let ends =
            json!({ "preface": goodbye, "tool_call": { "name": "end_call", "arguments": {} } });
        let script = |reply: &Value| {
            json!({
                "latency": { "flux_eager_ms": LIKELY, "flux_end_ms": CERTAIN },
                "utterances": ["Thank you, goodbye."],
                "replies": [reply],
            })
        };
        let stage = Stage::new(door, &script(&ends), &FLUX).await?;
        let guest = stage.guest().await?;
        let known = guest.states().len();
        let resumed = guest.say_in_two(700, PAUSE, 700).await?;
        stage
            .answer_resumption_with(&script(&json!({ "say": HOURS })))
            .await?;
        guest.heard_out(known).await?;
        guest.wait(500).await;
        let asked = requests(&stage.providers);
        ensure!(
            asked.len() > 1 && asked.first().is_some_and(|request| request.tool_calls == 1),
            "the tool was not called in what was dropped: {asked:#?}"
        );
        let her = guest.her();
        ensure_none(&her, goodbye, resumed.from_ms, her.end_ms())?;
        ensure_whole(&her, HOURS, resumed.to_ms, her.end_ms())?;
        ensure!(times(&guest, "Ended") == 0, "{:#?}", guest.states());

        stage
            .providers
            .set_script(Script::from_json(&script(&ends).to_string())?);
        let said = guest.say(900).await?;
        guest.over().await?;
        ensure_whole(&guest.her(), goodbye, said.to_ms, guest.her().end_ms())?;
        guest.state("Ended", 1).await?;
        ensure!(times(&guest, "Ended") == 1, "{:#?}", guest.states());
        let ends = endings(&guest);
        ensure!(ends == ["ended"], "{ends:?}");
        Ok(())
    })
    .await
}

impl Stage {
    /// The model answers like this from the moment on at which the caller is heard to go on.
    async fn answer_resumption_with(&self, script: &Value) -> anyhow::Result<()> {
        let resumed = self
            .providers
            .logged(|entry| entry.field("event") == "TurnResumed");
        timeout(PATIENCE, resumed)
            .await
            .context("the recogniser never took an end back")?;
        self.providers
            .set_script(Script::from_json(&script.to_string())?);
        Ok(())
    }
}

/// How often the far end was told that she is done: by REST to the telephone company, by a message to a page.
fn endings(guest: &Guest<'_>) -> Vec<&'static str> {
    let by_rest = guest.phone().map(|phone| {
        phone.all(|event| match &event.kind {
            EventKind::Rest { request, .. } if request.contains("completed") => Some("ended"),
            EventKind::Rest { .. } => Some("something else"),
            _ => None,
        })
    });
    let by_message = guest.visitor().map(|visitor| {
        let told = visitor.told().into_iter();
        told.filter_map(|(_, told)| match told {
            Told::Message(ServerMessage::Ended {
                outcome: Outcome::Completed,
            }) => Some("ended"),
            Told::Message(ServerMessage::Ended { .. }) => Some("something else"),
            _ => None,
        })
        .collect()
    });
    by_rest.or(by_message).unwrap_or_default()
}
