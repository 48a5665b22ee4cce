//! What a caller hears while an answer takes its time, and what of it costs no time at all.

use anyhow::{Context, ensure};
use serde_json::json;
use tests::asked::given;
use tests::figures::show;

use crate::{Stage, behind_both_doors, ensure_none, ensure_whole};

const HOURS: &str = "We open at nine in the morning.";
const PRICE: &str = "It is ninety dollars.";

/// What she says when an answer takes its time.
const FILLERS: [&str; 3] = ["One moment, please.", "Let me see.", "Just a second."];

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_announced_but_not_twice_in_a_row() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        let script = json!({
            "latency": { "llm_first_token_ms": 1_800 },
            "utterances": ["What are your opening hours?", "How much is a cleaning?"],
            "replies": [{ "when": "hours", "say": HOURS }, { "when": "cleaning", "say": PRICE }],
        });
        let stage = Stage::new(door, &script, &[]).await?;
        let guest = stage.guest().await?;
        let first = guest.ask(900).await?;
        let second = guest.ask(900).await?;
        guest.wait(200).await;
        guest.hang_up().await?;

        let her = guest.her();
        let [filler, ..] = FILLERS;
        let filled = her.first_sound(first.to_ms).context("no sound")?;
        let filled_for = filled - first.to_ms;
        ensure!(filled_for > 1_200.0, "a filler after {filled_for} ms");
        // She says it to its end, and then what she knows by then.
        let answers = filled + filler.chars().count() as f64 * 60.0;
        ensure_whole(&her, filler, filled, answers)?;
        ensure_none(&her, HOURS, filled, answers - 60.0)?;
        ensure_whole(&her, HOURS, answers, second.from_ms)?;

        let answered = her.first_sound(second.to_ms).context("no sound")?;
        ensure_whole(&her, PRICE, answered, her.end_ms())?;
        for filler in FILLERS {
            ensure_none(&her, filler, second.to_ms, her.end_ms())?;
        }
        show(format_args!(
            "a model slow by 1.8 s, {door:?}: filler after {filled_for:.0} ms; the next answer, without one, after {:.0} ms",
            answered - second.to_ms
        ));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_is_asked_of_the_voice_once() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        const OPENING: &str = "Sure.";
        let script = json!({
            "utterances": ["What are your opening hours?", "How much is a cleaning?"],
            "replies": [
                { "when": "hours", "say": format!("{OPENING} {HOURS}") },
                { "when": "cleaning", "say": format!("{OPENING} {PRICE}") },
            ],
        });
        let stage = Stage::new(door, &script, &[]).await?;
        let guest = stage.guest().await?;
        let first = guest.ask(900).await?;
        let second = guest.ask(900).await?;
        guest.wait(200).await;
        guest.hang_up().await?;

        let her = guest.her();
        for (opening, answer, said, until) in [
            (OPENING, HOURS, first, second.from_ms),
            (OPENING, PRICE, second, her.end_ms()),
        ] {
            ensure_whole(&her, opening, said.to_ms, until)?;
            ensure_whole(&her, answer, said.to_ms, until)?;
            let opened = her.first_sound(said.to_ms).context("no sound")?;
            ensure_none(&her, answer, said.to_ms, opened + 200.0)?;
            show(format_args!(
                "{opening:?} {door:?}: first sound after {:.0} ms",
                opened - said.to_ms
            ));
        }
        let spoken: Vec<String> = given(&stage.providers)
            .into_iter()
            .map(|given| given.text)
            .collect();
        let answers: Vec<&str> = spoken.iter().skip(1).map(String::as_str).collect();
        ensure!(answers == [OPENING, HOURS, PRICE], "{spoken:?}");
        Ok(())
    })
    .await
}
