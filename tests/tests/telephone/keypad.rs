//! The keys of the telephone.

use anyhow::{Context, ensure};
use tests::chat_requests;
use tests::phone::{Phone, samples_of};

use crate::{ANSWER, FIRST, SECOND, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_keyed_reaches_the_model_as_one_word() -> anyhow::Result<()> {
    let stage = Stage::new(
        r#"{ "utterances": [], "replies": [{ "when": "5551234", "say": "I have noted your number." }] }"#,
    )
    .await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    for key in "5551234#".chars() {
        phone.line.press(key);
        phone.wait(150).await;
    }
    let from = phone.line.events().last().map_or(0.0, |event| event.at_ms);
    phone.listened_to(3).await?;
    let heard = phone
        .her()
        .tone_ms("I have noted your number.", from - 500.0, f64::MAX);
    ensure!(heard > 1_200.0, "{heard} ms of the answer");
    let requests = chat_requests(&stage.providers);
    let last = requests
        .last()
        .and_then(|lines| lines.last())
        .context("no request")?;
    ensure!(last == "user: 5551234", "{last:?}");
    phone.hang_up().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_over_her_speech_interrupts_her() -> anyhow::Result<()> {
    let script = crate::SCRIPT.replacen("\"Monday\"", "\"5\"", 1);
    let stage = Stage::new(&script).await?;
    let phone = Phone::greeted(&stage.providers, &stage.edge).await?;
    let question = phone.say(900);
    let answered = phone.answered(question.to_ms).await?;
    phone.wait(1_500).await;
    let known = phone.states().len();
    phone.line.press('5');
    let (cleared, discarded) = phone.cleared(answered).await?;
    phone.line.press('#');
    phone.heard_out(known).await?;
    phone.wait(200).await;
    phone.hang_up().await?;

    ensure!(discarded > 0, "nothing was thrown away");
    let her = phone.her();
    let cut = samples_of(&her, &[FIRST, SECOND], cleared, her.end_ms());
    ensure!(cut == 0, "{cut} samples of the cut reply");
    let heard = her.tone_ms(ANSWER, cleared, her.end_ms());
    ensure!(heard > 1_000.0, "{heard} ms of the answer to the key");
    let reasons: Vec<String> = phone
        .states()
        .iter()
        .map(|state| format!("{} {}", state.state, state.reason))
        .collect();
    ensure!(
        reasons.iter().any(|reason| reason == "Interrupted keypad"),
        "{reasons:?}"
    );
    Ok(())
}
