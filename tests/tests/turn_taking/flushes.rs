//! Many short sentences in a minute, through a voice socket that takes twenty of them.

use anyhow::{Context, ensure};
use local_providers::phone::SpanOnTimeline;
use local_providers::tone_of;
use serde_json::{Value, json};
use tests::asked::{Given, flushes, given};
use tests::door::Door;
use tests::figures::show;
use tests::phone::gaps;
use voice_core::spoken::spoken;

use crate::{Stage, behind_both_doors, ensure_whole, length_ms};

const WORDS: [&str; 33] = [
    "apple", "bridge", "candle", "dragon", "eagle", "forest", "garden", "hammer", "island",
    "jungle", "kettle", "lemon", "mirror", "needle", "ocean", "pepper", "quarry", "ribbon",
    "saddle", "temple", "umbrella", "valley", "window", "yogurt", "zebra", "anchor", "basket",
    "carpet", "dolphin", "engine", "feather", "glacier", "harbour",
];

/// Short turns in a minute: more than the socket takes flushes.
const TURNS: usize = 26;

/// Silence in the middle of an answer that a listener would notice. Tones fade for 10 ms where one follows the other.
const NOTICED_MS: f64 = 25.0;

/// She answers about each word with a sentence of her own.
fn about_words(words: &[&str], settings: &Value) -> Value {
    let utterances: Vec<String> = words
        .iter()
        .map(|word| format!("What is a {word}?"))
        .collect();
    let replies: Vec<Value> = words
        .iter()
        .map(|word| json!({ "when": word, "say": answer_about(word) }))
        .collect();
    json!({ "utterances": utterances, "replies": replies, "settings": settings })
}

fn answer_about(word: &str) -> String {
    format!("It is {word} time.")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_thirty_short_sentences_is_heard_without_a_gap() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        let sentences: Vec<String> = WORDS
            .iter()
            .map(|word| format!("There is a {word} on it."))
            .collect();
        let answer = sentences.join(" ");
        let script =
            json!({ "utterances": ["What is on your list?"], "replies": [{ "say": answer }] });
        let stage = Stage::new(door, &script, &[]).await?;
        let guest = stage.guest().await?;
        let said = guest.ask(900).await?;
        guest.wait(200).await;
        guest.hang_up().await?;

        let her = guest.her();
        let first = her.first_sound(said.to_ms).context("no answer")?;
        let last = her.last_sound(first, her.end_ms()).context("no answer")?;
        let silences = her.silences(first, last, NOTICED_MS);
        ensure!(silences.is_empty(), "she fell silent: {silences:?}");
        let pieces: Vec<Given> = given(&stage.providers).into_iter().skip(1).collect();
        let whole: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        ensure!(whole.join(" ") == spoken(&answer), "{whole:#?}");
        let mut from = first;
        for piece in &whole {
            // Each is a tone, and they follow each other: their order is that of their stretches.
            let to = from + length_ms(piece);
            ensure_whole(&her, piece, from, to)?;
            from = to;
        }
        ensure!(
            (last - from).abs() < 60.0,
            "over at {last} ms, not at {from} ms"
        );
        if let Some(phone) = guest.phone() {
            let gaps = gaps(&phone.line.events(), &phone.line.played());
            ensure!(gaps.is_empty(), "the far buffer ran dry: {gaps:?}");
        }
        let (flushed, refused) = flushes(&stage.providers);
        ensure!(refused == 0, "{refused} flushes were refused");
        show(format_args!(
            "{} sentences in {:.0} s, {door:?}: {} flushes, {} by REST",
            sentences.len(),
            (last - first) / 1e3,
            // One was the greeting's.
            flushed - 1,
            pieces.iter().filter(|piece| piece.by_rest).count()
        ));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn more_short_turns_than_flushes_in_a_minute_are_all_answered() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        let words = WORDS.get(..TURNS).context("too few words")?;
        let script = about_words(words, &json!({}));
        let (rest, refused) = many_turns(door, words, &script).await?;
        ensure!(refused == 0, "{refused} flushes were refused");
        ensure!(rest > 0, "no limit was reached");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_is_refused_is_spoken_by_another_way() -> anyhow::Result<()> {
    behind_both_doors(async |door| {
        let words = WORDS.get(..8).context("too few words")?;
        // The vendor takes fewer than it says.
        let script = about_words(words, &json!({ "flush_limit": 5 }));
        let (rest, refused) = many_turns(door, words, &script).await?;
        ensure!(refused > 0, "no flush was refused");
        ensure!(
            rest >= refused,
            "{refused} were refused, {rest} spoken by REST"
        );
        Ok(())
    })
    .await
}

/// A caller who asks about one word after the other; an error unless each answer is heard whole. Gives how many were spoken by REST
/// and how many flushes were refused.
async fn many_turns(door: Door, words: &[&str], script: &Value) -> anyhow::Result<(usize, usize)> {
    let stage = Stage::new(door, script, &[]).await?;
    let guest = stage.guest().await?;
    let mut asked: Vec<SpanOnTimeline> = Vec::new();
    for _ in words {
        asked.push(guest.ask(300).await?);
    }
    guest.wait(200).await;
    guest.hang_up().await?;

    let her = guest.her();
    let begins = asked.iter().skip(1).map(|next| next.from_ms);
    let until = begins.chain([her.end_ms()]);
    let mut waits = Vec::new();
    for ((word, asked), until) in words.iter().zip(&asked).zip(until) {
        let answer = answer_about(word);
        ensure_whole(&her, &answer, asked.to_ms, until)
            .with_context(|| format!("a tone of {} Hz", tone_of(&answer)))?;
        let first = her.first_sound(asked.to_ms).context("no answer")?;
        let silences = her.silences(first, until, NOTICED_MS);
        ensure!(silences.is_empty(), "she fell silent: {silences:?}");
        waits.push(first - asked.to_ms);
    }
    let span = asked
        .last()
        .zip(asked.first())
        .map(|(last, first)| last.to_ms - first.from_ms);
    let rest = given(&stage.providers)
        .iter()
        .filter(|given| given.by_rest)
        .count();
    let (flushed, refused) = flushes(&stage.providers);
    let longest = waits.iter().copied().fold(0.0, f64::max);
    show(format_args!(
        "{} turns in {:.0} s, {door:?}: {flushed} flushes, {refused} of them refused, {rest} answers by REST; the longest wait {longest:.0} ms",
        words.len(),
        span.unwrap_or_default() / 1e3,
    ));
    Ok((rest, refused))
}
