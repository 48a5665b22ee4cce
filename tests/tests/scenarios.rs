//! The calls of `tests/scenarios` in real time, each through both doors: a browser's wire and a telephone. What the state machine
//! does must be the same, to the turn and the reason.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::{join_all, try_join_all};
use local_providers::phone::voice;
use local_providers::{Config, Providers, Script};
use tests::caller::Caller;
use tests::edge::{Edge, LoggedState};
use tests::headset::Headset;
use tests::phone::Phone;
use tests::sound::resample;
use voice_core::simulation::scenario::{Action, KEY_MILLIS, Scenario};
use voice_core::wire::Phase;

/// One call as written down, and a worker of its own: the providers answer in the order in which they are asked.
struct Rehearsed {
    name: String,
    scenario: Scenario,
    providers: Providers,
    edge: Edge,
}

/// How long a call may take to end after the caller did.
const ENDING: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn invariant_14_every_scenario_takes_the_same_course_through_both_doors() -> anyhow::Result<()>
{
    let names = names()?;
    ensure!(names.len() > 5, "scenarios are missing: {names:?}");
    // All workers first, and each has held a call: starting and compiling takes processors from calls that are under way.
    let mut rehearsed = Vec::new();
    for pair in names.chunks(2) {
        rehearsed.extend(try_join_all(pair.iter().map(|name| rehearse(name))).await?);
    }
    let played = join_all(rehearsed.iter().map(play)).await;
    let complaints: Vec<String> = played
        .into_iter()
        .zip(&rehearsed)
        .filter_map(|(result, rehearsed)| Some(format!("{}: {:#}", rehearsed.name, result.err()?)))
        .collect();
    ensure!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    Ok(())
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn names() -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder())?.flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".txt")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

async fn rehearse(name: &str) -> anyhow::Result<Rehearsed> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.txt")))?;
    let scenario = Scenario::parse(&text).with_context(|| name.to_owned())?;
    let providers = local_providers::start(Config {
        script: Script::of_scenario(&scenario),
        log_audio: false,
        ..Config::default()
    })
    .await?;
    let edge = Edge::start(&providers).await?;
    let mut first = Caller::connect(&edge).await?;
    first.wait_for_state(Phase::Listening).await?;
    Ok(Rehearsed {
        name: name.to_owned(),
        scenario,
        providers,
        edge,
    })
}

async fn play(rehearsed: &Rehearsed) -> anyhow::Result<()> {
    let Rehearsed {
        scenario,
        providers,
        edge,
        ..
    } = rehearsed;
    let telephone = by_telephone(scenario, providers, edge).await?;
    // A page has no keys to press.
    let is_keyed = |action: &Action| matches!(action, Action::Press { .. });
    if scenario.actions.iter().any(|(_, action)| is_keyed(action)) {
        let keyed = |state: &LoggedState| state.reason == "keypad";
        return ensure_that(telephone.iter().any(keyed), || {
            format!("no key had an effect:\n{}", shown(&telephone))
        });
    }
    // The answers begin again with the first.
    providers.set_script(Script::of_scenario(scenario));
    let browser = by_browser(scenario, edge).await?;
    let (telephone, browser) = (in_order(telephone), in_order(browser));
    ensure!(browser.len() > 4, "hardly a call:\n{}", shown(&browser));
    ensure_that(telephone == browser, || {
        format!(
            "by browser:\n{}\nby telephone:\n{}",
            shown(&browser),
            shown(&telephone)
        )
    })
}

/// The same states with their turns counted from 1. An answer that is begun ahead of time has a number of its own, and whether there is one
/// before the caller has certainly finished is a matter of milliseconds: what answers a caller counts as the caller's own turn.
fn in_order(mut states: Vec<LoggedState>) -> Vec<LoggedState> {
    let (mut last, mut count) = (0, 0);
    let mut listened = false;
    for state in &mut states {
        let answers = listened && state.state == "Processing";
        if state.turn != last {
            last = state.turn;
            count += u32::from(!answers);
        }
        listened = state.state == "Listening";
        state.turn = count;
    }
    states
}

fn ensure_that(holds: bool, complaint: impl FnOnce() -> String) -> anyhow::Result<()> {
    if holds {
        return Ok(());
    }
    Err(anyhow::anyhow!(complaint()))
}

fn shown(states: &[LoggedState]) -> String {
    let lines: Vec<String> = states.iter().map(|state| format!("  {state}")).collect();
    lines.join("\n")
}

async fn by_telephone(
    scenario: &Scenario,
    providers: &Providers,
    edge: &Edge,
) -> anyhow::Result<Vec<LoggedState>> {
    let began = tokio::time::Instant::now();
    let phone = Phone::call(providers, edge).await?;
    let over = phone.over();
    let acts = async {
        for (at, action) in &scenario.actions {
            tokio::time::sleep_until(began + Duration::from_millis(*at)).await;
            match action {
                Action::Call => {}
                Action::HangUp => phone.line.hang_up(),
                Action::Noise { millis } => {
                    phone.line.say(voice::noise(*millis));
                }
                Action::Press { digits } => {
                    for digit in digits.chars() {
                        phone.line.press(digit);
                        tokio::time::sleep(Duration::from_millis(KEY_MILLIS)).await;
                    }
                }
                Action::Say { millis, .. } => {
                    phone.line.say(voice::speech(*millis));
                }
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        over = over => over?,
        () = acts => {}
    }
    phone.state("Ended", 1).await?;
    Ok(phone.states())
}

async fn by_browser(scenario: &Scenario, edge: &Edge) -> anyhow::Result<Vec<LoggedState>> {
    let mut headset = Headset::connect(edge).await?;
    let at_16_khz = |samples: Vec<i16>| resample(&samples, 8_000, 16_000);
    for (at, action) in &scenario.actions {
        headset.run_until(Duration::from_millis(*at)).await?;
        if headset.outcome.is_some() {
            break;
        }
        match action {
            Action::HangUp => headset.hang_up().await?,
            Action::Noise { millis } => {
                headset.say(&at_16_khz(voice::noise(*millis)));
            }
            Action::Say { millis, .. } => {
                headset.say(&at_16_khz(voice::speech(*millis)));
            }
            Action::Call | Action::Press { .. } => {}
        }
    }
    let last = scenario.actions.last().map_or(0, |(at, _)| *at);
    headset
        .run_until(Duration::from_millis(last) + ENDING)
        .await?;
    let call = headset.call.clone().context("she never welcomed")?;
    edge.until_state(&call, "Ended", 1).await?;
    Ok(edge.states(&call))
}
