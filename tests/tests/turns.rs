//! A few cases of the turn-taking bench, as facts: real sound, the real detector and recogniser, the product's machines, virtual time.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use tests::speech::engines_folder;
use tests::turns::case;
use tests::turns::runner::{Run, run_all};
use tests::turns::setting::Setting;
use voice_core::simulation::door::Door;

const QUESTIONS: [&str; 3] = [
    r#""What are your opening hours?""#,
    r#""Where are you located?""#,
    r#""Yes, please.""#,
];

const NUMBERS: [&str; 3] = [
    r#""four one five" 0.6 "five five five" 0.6 "two six seven one""#,
    r#""two one two" 0.8 "five five five" 0.8 "zero one nine eight""#,
    r#""My number is nine one seven" 1.0 "five five five" 1.1 "zero one four two""#,
];

const LONG_PAUSES: &str = r#""three one two" 1.2 "four four one" 1.2 "nine eight zero zero""#;

const LISTENERS: [&str; 4] = [
    r#"in 9.0 "Mm-hmm.""#,
    r#"in 2.5 "Okay.""#,
    "in 1.5 keyboard 3.0",
    "in 2.5 door",
];

const INTERRUPTIONS: [&str; 3] = [
    r#"in 2.0 "Wait.""#,
    r#"in 3.0 "Stop.""#,
    r#"in 3.5 "Can I ask something?""#,
];

/// The cases above, at both doors.
fn runs() -> Result<&'static [Run]> {
    static RUNS: OnceLock<Result<Vec<Run>>> = OnceLock::new();
    let run = || {
        let mut cases = case::all()?;
        let all = [&QUESTIONS[..], &NUMBERS, &LISTENERS, &INTERRUPTIONS].concat();
        cases.retain(|case| all.contains(&case.text.as_str()));
        ensure!(cases.len() == all.len(), "a case is not in the set");
        run_all(
            &cases,
            &Door::ALL,
            &[Setting::Default],
            &engines_folder()?,
            &|_| {},
        )
    };
    match RUNS.get_or_init(run) {
        Ok(runs) => Ok(runs),
        Err(error) => anyhow::bail!("{error:#}"),
    }
}

/// Checks every run of some cases.
fn check(cases: &[&str], what: &str, holds: impl Fn(&Run) -> bool) -> Result<()> {
    for text in cases {
        let own: Vec<&Run> = runs()?
            .iter()
            .filter(|run| run.case.text == *text)
            .collect();
        ensure!(
            own.len() == Door::ALL.len(),
            "{text} was not run at every door"
        );
        let broken = own.into_iter().find(|run| !holds(run));
        let broken = broken.map(|run| format!("{text} ({}), {what}:\n{}", run.caller, run.trace));
        broken.map_or(Ok(()), Err).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

#[test]
fn a_question_is_answered_once_and_after_its_end() -> Result<()> {
    check(&QUESTIONS, "should be answered", |run| {
        let verdict = &run.verdict;
        !verdict.cut_off && !verdict.missed && verdict.answers == 1
    })
}

#[test]
fn a_number_dictated_in_groups_is_not_cut() -> Result<()> {
    check(&NUMBERS, "should not be cut", |run| {
        run.verdict.digits == 10 && !run.verdict.cut_off && run.verdict.answers == 1
    })
}

#[test]
fn who_only_listens_does_not_stop_her() -> Result<()> {
    check(&LISTENERS, "should leave her whole", |run| {
        run.verdict.whole && run.verdict.answers == 0
    })
}

#[test]
fn who_wants_the_floor_gets_it() -> Result<()> {
    check(&INTERRUPTIONS, "should stop her", |run| {
        let verdict = &run.verdict;
        verdict.interrupted && !verdict.whole && !verdict.missed
    })
}

#[test]
fn another_policy_gives_other_figures() -> Result<()> {
    let mut cases = case::all()?;
    cases.retain(|case| case.text == LONG_PAUSES);
    let both = [Setting::Plain, Setting::Default];
    let runs = run_all(&cases, &[Door::Browser], &both, &engines_folder()?, &|_| {})?;
    let of = |setting| runs.iter().find(|run| run.setting == setting);
    let plain = of(Setting::Plain).context("a run is missing")?;
    // Its pauses are longer than the silence of that policy and the time that the detector needs.
    ensure!(plain.verdict.cut_off, "{}", plain.trace);
    Ok(())
}
