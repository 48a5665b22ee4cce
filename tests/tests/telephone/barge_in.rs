//! The caller speaks over her.

use anyhow::{Context, ensure};
use local_providers::phone::EventKind;
use tests::chat_requests;
use tests::figures::show;
use tests::phone::{Phone, gaps, samples_of};

use crate::{ANSWER, FIRST, SCRIPT, SECOND, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_a_barge_in_silences_her_and_the_model_learns_only_what_was_heard()
-> anyhow::Result<()> {
    let stage = Stage::new(SCRIPT).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let question = phone.say(900);
    let answered = phone.answered(question.to_ms).await?;
    // 60 ms a character: in the middle of "to", after "We are open from nine".
    phone.wait(1_300).await;
    let known = phone.states().len();
    let interruption = phone.say(1_000);
    let (cleared, discarded) = phone.cleared(interruption.from_ms).await?;
    phone.heard_out(known).await?;
    phone.wait(200).await;
    phone.hang_up().await?;

    ensure!(discarded > 0, "nothing was thrown away");
    let her = phone.her();
    let heard = her.tone_ms(FIRST, answered, cleared);
    let cut = samples_of(&her, &[FIRST, SECOND], cleared, her.end_ms());
    ensure!(cut == 0, "{cut} samples of the cut reply after the clear");
    let next = her.first_sound(cleared + 1.0).context("no second answer")?;
    ensure!(
        her.tone_ms(ANSWER, next, her.end_ms()) > 1_200.0,
        "the sound after the cut is not the second answer"
    );
    let gaps = gaps(&phone.line.events(), &phone.line.played());
    ensure!(gaps.is_empty(), "her voice broke off at {gaps:?}");

    // The words that had been played to their end, from the recording itself.
    let characters = (heard / 60.0).floor() as usize;
    let whole = words_within(FIRST, characters);
    let requests = chat_requests(&stage.providers);
    let last = requests.last().context("no request")?;
    let told = last
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("assistant: "))
        .context("her words are missing")?;
    ensure!(
        // A word that ends within a frame of the cut may be on either side.
        told == whole
            || told == words_within(FIRST, characters + 1)
            || told == words_within(FIRST, characters.saturating_sub(1)),
        "the model was told {told:?}, the caller heard {whole:?}"
    );
    ensure!(
        last.last()
            .is_some_and(|line| line == "user: can I come on Monday instead"),
        "{last:#?}"
    );
    show(format_args!(
        "barge-in: onset → clear {:>6.0} ms, onset → next answer {:>6.0} ms",
        cleared - interruption.from_ms,
        next - interruption.to_ms
    ));
    Ok(())
}

/// The words of a text that end within so many characters.
fn words_within(text: &str, characters: usize) -> String {
    let mut kept = String::new();
    for word in text.split(' ') {
        let end = kept.chars().count() + usize::from(!kept.is_empty()) + word.chars().count();
        if end > characters {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_yet_played_can_still_be_stopped() -> anyhow::Result<()> {
    const SHORT: &str = "We open at nine.";
    let script = format!(
        r#"{{
            "utterances": ["when do you open", "no wait"],
            "replies": [{{ "when": "wait", "say": "{ANSWER}" }}, {{ "when": "open", "say": "{SHORT}" }}]
        }}"#
    );
    let stage = Stage::new(&script).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let question = phone.say(900);
    let answered = phone.answered(question.to_ms).await?;
    // Her lead is 400 ms: the last frame of these 960 ms is sent when 560 have been played.
    phone.wait(620).await;
    let known = phone.states().len();
    let interruption = phone.say(800);
    let (cleared, discarded) = phone.cleared(interruption.from_ms).await?;
    phone.heard_out(known).await?;
    phone.wait(200).await;
    phone.hang_up().await?;

    let last_frame = phone
        .all(|event| match event.kind {
            EventKind::Media { .. } if event.at_ms < cleared => Some(event.at_ms),
            _ => None,
        })
        .last()
        .copied()
        .context("nothing was sent")?;
    ensure!(
        last_frame < interruption.from_ms,
        "sent until {last_frame} ms, spoken over from {} ms on: the case did not arise",
        interruption.from_ms
    );
    ensure!(discarded > 0, "it had all been played");
    let her = phone.her();
    let heard = her.tone_ms(SHORT, answered, cleared + 100.0);
    ensure!(heard < 900.0, "{heard} ms of 960 were played");
    let cut = samples_of(&her, &[SHORT], cleared, her.end_ms());
    ensure!(cut == 0, "{cut} samples after the clear");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_12_a_short_yes_costs_her_no_word() -> anyhow::Result<()> {
    let script = format!(
        r#"{{
            "utterances": ["what are your opening hours", "mm-hm"],
            "replies": [{{ "when": "hours", "say": "{FIRST} {SECOND}" }}],
            "settings": {{ "after_last": "empty" }}
        }}"#
    );
    let stage = Stage::new(&script).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let question = phone.say(900);
    let answered = phone.answered(question.to_ms).await?;
    phone.wait(1_500).await;
    let yes = phone.say(250);
    let (paused, _) = phone.cleared(yes.from_ms).await?;
    phone.listened_to(3).await?;
    phone.wait(200).await;
    phone.hang_up().await?;

    let her = phone.her();
    let went_on = her.first_sound(paused + 1.0).context("she never went on")?;
    let end = her.end_ms();
    for piece in [FIRST, SECOND] {
        let heard = her.tone_ms(piece, answered, end);
        let whole = piece.chars().count() as f64 * 60.0;
        ensure!(
            (heard - whole).abs() < 60.0,
            "{heard} of {whole} ms of {piece:?}"
        );
    }
    let heard = her.sounding_ms(answered, end);
    let whole = (FIRST.chars().count() + SECOND.chars().count()) as f64 * 60.0;
    ensure!(
        (-10.0..60.0).contains(&(heard - whole)),
        "with the pause cut out {heard} ms, not {whole} ms"
    );
    let interrupted = phone
        .states()
        .into_iter()
        .find(|state| state.state == "Interrupted");
    ensure!(interrupted.is_none(), "{interrupted:?}");
    let gaps = gaps(&phone.line.events(), &phone.line.played());
    ensure!(gaps.is_empty(), "her voice broke off at {gaps:?}");
    show(format_args!(
        "mm-hm: she paused for {:.0} ms and said {:+.0} ms twice",
        went_on - paused,
        heard - whole
    ));
    Ok(())
}
