//! Calls as they are written in `tests/scenarios`, and the trace each must leave.

use std::time::Duration;

use expect_test::{Expect, expect};
use voice_core::conversation::{Config, Conversation};
use voice_core::simulation::scenario::Scenario;

use crate::world::{Door, Latency, PLAN, World, config};

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape `expect!` is made for"
)]
fn check(scenario: &str, expected: Expect) -> World {
    let script = Scenario::parse(scenario).expect("a scenario");
    let world = World::run(&script, PLAN, Door::Browser);
    expected.assert_eq(world.trace());
    world
}

/// Every scenario there is, by its file's name.
fn all() -> Vec<(String, Scenario)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
    let mut scenarios: Vec<_> = std::fs::read_dir(folder)
        .expect("the scenarios' folder")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let name = path.display().to_string();
            let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, scenario)
        })
        .collect();
    scenarios.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(scenarios.len() >= 10, "{} scenarios", scenarios.len());
    scenarios
}

#[test]
fn invariant_14_a_telephone_call_goes_as_the_same_call_in_a_browser() {
    for (name, scenario) in all() {
        // A browser hears the caller on the spot and a telephone a network later, in which she says another word. So words are
        // compared where there is no network between, and states in either case.
        for network in [0, PLAN.network] {
            let latency = Latency { network, ..PLAN };
            let [browser, telephone] = Door::ALL.map(|door| World::run(&scenario, latency, door));
            let traces = format!("{name}\n{}\n{}", browser.trace(), telephone.trace());
            assert_eq!(browser.states, telephone.states, "{traces}");
            if network == 0 {
                assert_eq!(browser.records, telephone.records, "{traces}");
                assert_eq!(browser.prompts, telephone.prompts, "{traces}");
            }
        }
    }
}

#[test]
fn by_telephone_she_does_not_stammer_and_is_silent_once_cleared() {
    for (name, scenario) in all() {
        let world = World::run(&scenario, PLAN, Door::Telephone);
        assert_eq!(world.gaps(), 0, "{name}\n{}", world.trace());
        for (turn, flushed) in &world.flushed {
            let late = world
                .played
                .iter()
                .find(|(at, of, _)| at > flushed && of <= turn);
            assert_eq!(late, None, "{name}\n{}", world.trace());
        }
    }
}

#[test]
fn no_call_is_longer_than_its_ceiling_by_either_door() {
    let scenario = Scenario::parse("0.0 call\n60.0 hang up\n").expect("a scenario");
    for door in Door::ALL {
        let mut world = World::new(&scenario, PLAN, door);
        world.conversation = Conversation::new(Config {
            call_length: Duration::from_secs(5),
            ..config(door)
        });
        while world.now < 20_000 {
            world.step();
        }
        let end = world.trace().contains("hangs up: TooLong");
        let goodbye = "heard \"Thank you for calling. Goodbye.\"";
        assert!(end && world.trace().contains(goodbye), "{}", world.trace());
    }
}

#[test]
fn a_question_is_answered() {
    check(
        include_str!("../../../tests/scenarios/question.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "What are your opening hours?"
             7.330  agent    turn 3: asks the model
             7.350  agent    turn 4: asks the model
             7.374  caller   turn 2: "What are your opening hours?"
             7.374  state    turn 4: Processing (end of turn)
             7.460  agent    turn 4: says "I see."
             7.560  state    turn 4: Speaking (first sound)
             8.018  record   turn 4: completed, heard "I see.", unheard ""
             8.018  report   turn 4: voice to voice 492 ms at the edge
             8.018  state    turn 5: Listening (heard)
            14.000  state    turn 6: Ended (call over)
            14.000  agent    hangs up: HungUp
            14.050  handset  turn 5: throws away 0 ms
        "#]],
    );
}

#[test]
fn a_barge_in_cuts_the_reply_and_the_model_learns_what_was_heard() {
    let world = check(
        include_str!("../../../tests/scenarios/barge-in.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "When are you open?"
             7.150  agent    turn 3: asks the model
             7.182  caller   turn 2: "When are you open?"
             7.182  state    turn 3: Processing (end of turn)
             7.280  agent    turn 3: says "We are open from nine to five."
             7.365  agent    turn 3: says "On Saturday we are closed all day. You can also write to us at any time."
             7.380  state    turn 3: Speaking (first sound)
            10.000  caller   begins "Can I come on Monday?"
            10.016  handset  pauses
            10.630  state    turn 3: Interrupted (barge-in)
            10.680  handset  turn 3: throws away 2024 ms
            10.680  handset  plays on
            10.730  record   turn 3: interrupted, heard "We are open from nine to five. On Saturday", unheard "we are closed all day. You can also write to us at any time."
            10.730  report   turn 3: voice to voice 508 ms at the edge
            10.730  state    turn 4: Listening (flushed)
            11.350  agent    turn 5: asks the model
            11.374  caller   turn 4: "Can I come on Monday?"
            11.374  state    turn 5: Processing (end of turn)
            11.450  agent    turn 5: says "Yes,"
            11.475  agent    turn 5: says "on Monday at ten."
            11.550  state    turn 5: Speaking (first sound)
            12.898  record   turn 5: completed, heard "Yes, on Monday at ten.", unheard ""
            12.898  report   turn 5: voice to voice 476 ms at the edge
            12.898  state    turn 6: Listening (heard)
            16.000  state    turn 7: Ended (call over)
            16.000  agent    hangs up: HungUp
            16.050  handset  turn 6: throws away 0 ms
        "#]],
    );
    expect![[r#"
        Agent: Hello, Willow Lane Dental.
        Caller: When are you open?
        Agent: We are open from nine to five. On Saturday
        Caller: Can I come on Monday?"#]]
    .assert_eq(world.prompts.last().expect("a prompt"));
}

#[test]
fn a_backchannel_pauses_and_loses_no_word() {
    check(
        include_str!("../../../tests/scenarios/backchannel.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "When are you open?"
             7.150  agent    turn 3: asks the model
             7.182  caller   turn 2: "When are you open?"
             7.182  state    turn 3: Processing (end of turn)
             7.280  agent    turn 3: says "We are open from nine to five."
             7.320  agent    turn 3: says "On Saturday we are closed all day."
             7.380  state    turn 3: Speaking (first sound)
             9.000  caller   begins "Mm-hmm."
             9.024  handset  pauses
             9.500  handset  plays on
            11.794  record   turn 3: completed, heard "We are open from nine to five. On Saturday we are closed all day.", unheard ""
            11.794  report   turn 3: voice to voice 508 ms at the edge
            11.794  state    turn 4: Listening (heard)
            18.000  state    turn 5: Ended (call over)
            18.000  agent    hangs up: HungUp
            18.050  handset  turn 4: throws away 0 ms
        "#]],
    );
}

#[test]
fn a_noise_pauses_and_she_resumes() {
    check(
        include_str!("../../../tests/scenarios/noise.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "When are you open?"
             7.150  agent    turn 3: asks the model
             7.182  caller   turn 2: "When are you open?"
             7.182  state    turn 3: Processing (end of turn)
             7.280  agent    turn 3: says "We are open from nine to five."
             7.320  agent    turn 3: says "On Saturday we are closed all day."
             7.380  state    turn 3: Speaking (first sound)
             9.000  caller   noise
             9.024  handset  pauses
            10.188  handset  plays on
            12.482  record   turn 3: completed, heard "We are open from nine to five. On Saturday we are closed all day.", unheard ""
            12.482  report   turn 3: voice to voice 508 ms at the edge
            12.482  state    turn 4: Listening (heard)
            18.000  state    turn 5: Ended (call over)
            18.000  agent    hangs up: HungUp
            18.050  handset  turn 4: throws away 0 ms
        "#]],
    );
}

#[test]
fn an_unfinished_sentence_is_waited_for() {
    check(
        include_str!("../../../tests/scenarios/unfinished.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "I would like to come on Monday and"
             7.600  caller   begins "bring my daughter."
             8.750  agent    turn 3: asks the model
             8.782  caller   turn 2: "I would like to come on Monday and bring my daughter."
             8.782  state    turn 3: Processing (end of turn)
             8.875  agent    turn 3: says "Monday at ten it is."
             8.975  state    turn 3: Speaking (first sound)
            10.274  record   turn 3: completed, heard "Monday at ten it is.", unheard ""
            10.274  report   turn 3: voice to voice 508 ms at the edge
            10.274  state    turn 4: Listening (heard)
            14.000  state    turn 5: Ended (call over)
            14.000  agent    hangs up: HungUp
            14.050  handset  turn 4: throws away 0 ms
        "#]],
    );
}

#[test]
fn a_caller_who_goes_on_is_answered_as_a_whole() {
    let world = check(
        include_str!("../../../tests/scenarios/resumed.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "I would like a cleaning."
             7.150  agent    turn 3: asks the model
             7.250  caller   begins "On Monday morning."
             7.255  agent    turn 3: says "Gladly."
             8.400  agent    turn 4: asks the model
             8.515  agent    turn 4: says "A cleaning on Monday,"
             9.030  caller   turn 2: "I would like a cleaning. On Monday morning."
             9.030  state    turn 4: Processing (end of turn)
             9.030  agent    turn 4: says "gladly."
             9.030  state    turn 4: Speaking (first sound)
            10.802  record   turn 4: completed, heard "A cleaning on Monday, gladly.", unheard ""
            10.802  report   turn 4: voice to voice 908 ms at the edge
            10.802  state    turn 5: Listening (heard)
            14.000  state    turn 6: Ended (call over)
            14.000  agent    hangs up: HungUp
            14.050  handset  turn 5: throws away 0 ms
        "#]],
    );
    expect![[r#"
        Agent: Hello, Willow Lane Dental.
        Caller: I would like a cleaning. On Monday morning."#]]
    .assert_eq(world.prompts.last().expect("a prompt"));
}

#[test]
fn silence_is_prompted_once_and_then_ends_the_call() {
    check(
        include_str!("../../../tests/scenarios/silence.txt"),
        expect![[r#"
         0.000  state    turn 1: Listening (call started)
         0.000  state    turn 1: Processing (greeting)
         0.000  agent    turn 1: says "Hello, Willow Lane Dental."
         0.100  state    turn 1: Speaking (first sound)
         1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
         1.762  state    turn 2: Listening (heard)
        13.762  state    turn 2: Processing (silence)
        13.762  agent    turn 2: says "Are you still there?"
        13.862  state    turn 2: Speaking (first sound)
        15.154  record   turn 2: completed, heard "Are you still there?", unheard ""
        15.154  state    turn 3: Listening (heard)
        27.154  state    turn 3: Processing (nobody there)
        27.154  agent    turn 3: says "Thank you for calling. Goodbye."
        27.254  state    turn 3: Speaking (first sound)
        29.218  record   turn 3: completed, heard "Thank you for calling. Goodbye.", unheard ""
        29.218  state    turn 5: Ended (call over)
        29.218  agent    hangs up: Silent
        29.268  handset  turn 4: throws away 0 ms
    "#]],
    );
}

#[test]
fn a_failing_model_is_apologised_for() {
    check(
        include_str!("../../../tests/scenarios/model-fails.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "When are you open?"
             7.150  agent    turn 3: asks the model
             7.182  caller   turn 2: "When are you open?"
             7.182  state    turn 3: Processing (end of turn)
             7.250  agent    turn 3: says "I'm sorry, I'm having trouble just now. Could you say that again?"
             7.350  state    turn 3: Speaking (first sound)
            11.346  record   turn 3: llm_failed, heard "I'm sorry, I'm having trouble just now. Could you say that again?", unheard ""
            11.346  report   turn 3: voice to voice 476 ms at the edge
            11.346  state    turn 4: Listening (heard)
            13.000  caller   begins "When do you open?"
            14.150  agent    turn 5: asks the model
            14.174  caller   turn 4: "When do you open?"
            14.174  state    turn 5: Processing (end of turn)
            14.270  agent    turn 5: says "We open at nine."
            14.370  state    turn 5: Speaking (first sound)
            15.426  record   turn 5: completed, heard "We open at nine.", unheard ""
            15.426  report   turn 5: voice to voice 508 ms at the edge
            15.426  state    turn 6: Listening (heard)
            20.000  state    turn 7: Ended (call over)
            20.000  agent    hangs up: HungUp
            20.050  handset  turn 6: throws away 0 ms
        "#]],
    );
}

#[test]
fn keys_are_taken_as_words() {
    check(
        include_str!("../../../tests/scenarios/keypad.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "Please call me back."
             7.138  agent    turn 3: asks the model
             7.150  agent    turn 4: asks the model
             7.182  caller   turn 2: "Please call me back."
             7.182  state    turn 4: Processing (end of turn)
             7.255  agent    turn 4: says "Thank you."
             7.340  agent    turn 4: says "I have noted it, and we will call you back this afternoon between two and four."
             7.355  state    turn 4: Speaking (first sound)
            11.000  caller   begins "My number is"
            11.024  handset  pauses
            11.950  state    turn 4: Interrupted (barge-in)
            12.000  caller   keys 5551234#
            12.000  handset  turn 4: throws away 1724 ms
            12.000  handset  plays on
            12.050  record   turn 4: interrupted, heard "Thank you. I have noted it, and we will call you back this", unheard "afternoon between two and four."
            12.050  report   turn 4: voice to voice 476 ms at the edge
            12.050  state    turn 5: Listening (flushed)
            13.450  caller   turn 5: "My number is 5551234"
            13.450  state    turn 5: Processing (keypad)
            13.450  agent    turn 5: asks the model
            13.585  agent    turn 5: says "And that is your date of birth."
            13.685  state    turn 5: Speaking (first sound)
            15.650  record   turn 5: completed, heard "And that is your date of birth.", unheard ""
            15.650  state    turn 6: Listening (heard)
            17.000  caller   keys 1507
            20.150  caller   turn 6: "1507"
            20.150  state    turn 6: Processing (keypad)
            20.150  agent    turn 6: asks the model
            20.260  agent    turn 6: says "I see."
            20.360  state    turn 6: Speaking (first sound)
            20.818  record   turn 6: completed, heard "I see.", unheard ""
            20.818  state    turn 7: Listening (heard)
            26.000  state    turn 8: Ended (call over)
            26.000  agent    hangs up: HungUp
            26.050  handset  turn 7: throws away 0 ms
        "#]],
    );
}

#[test]
fn a_caller_is_put_through() {
    check(
        include_str!("../../../tests/scenarios/operator.txt"),
        expect![[r#"
             0.000  state    turn 1: Listening (call started)
             0.000  state    turn 1: Processing (greeting)
             0.000  agent    turn 1: says "Hello, Willow Lane Dental."
             0.100  state    turn 1: Speaking (first sound)
             1.762  record   turn 1: completed, heard "Hello, Willow Lane Dental.", unheard ""
             1.762  state    turn 2: Listening (heard)
             6.000  caller   begins "Could I talk to somebody?"
             7.350  agent    turn 3: asks the model
             7.374  caller   turn 2: "Could I talk to somebody?"
             7.374  state    turn 3: Processing (end of turn)
             7.455  agent    turn 3: says "Of course."
             7.520  agent    turn 3: says "Press zero for a person, or tell me what it is about."
             7.555  state    turn 3: Speaking (first sound)
            11.442  record   turn 3: completed, heard "Of course. Press zero for a person, or tell me what it is about.", unheard ""
            11.442  report   turn 3: voice to voice 492 ms at the edge
            11.442  state    turn 4: Listening (heard)
            13.000  caller   keys 0
            15.550  caller   turn 4: "0"
            15.550  state    turn 4: Processing (keypad)
            15.550  agent    turn 4: says "One moment, I'll put you through."
            15.650  state    turn 4: Speaking (first sound)
            17.730  record   turn 4: completed, heard "One moment, I'll put you through.", unheard ""
            17.730  state    turn 6: Ended (call over)
            17.730  agent    hangs up: Transferred
            17.780  handset  turn 5: throws away 0 ms
        "#]],
    );
}
