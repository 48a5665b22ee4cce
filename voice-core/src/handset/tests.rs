mod driver;

use expect_test::expect;
use proptest::prelude::*;

use self::driver::Driver;
use super::*;

const VOICE: f32 = 0.95;
const QUIET: f32 = 0.02;

fn browser() -> Driver {
    Driver::new(Config::browser())
}

/// A driver in whose first turn the echo guard is over.
fn speaking() -> Driver {
    let mut driver = browser();
    driver.voice(1, 100_000);
    driver.frames(63, QUIET);
    driver.trace.clear();
    driver
}

#[test]
fn speech_begins_with_two_frames_of_three_and_ends_after_the_hangover() {
    let mut driver = browser();
    driver.frame(VOICE);
    driver.frames(2, QUIET);
    driver.frame(VOICE);
    driver.frame(QUIET);
    driver.frame(VOICE);
    driver.frames(3, QUIET);
    driver.frame(0.5);
    driver.frames(8, 0.49);
    driver.check(&expect![[r#"
        96    → speech started
        256   → speech ended 156 ms ago
    "#]]);
}

#[test]
fn the_callers_voice_pauses_hers_and_a_flush_accounts_for_it() {
    let mut driver = speaking();
    driver.frames(4, VOICE);
    driver.flush(1);
    driver.frames(12, QUIET);
    driver.check(&expect![[r#"
        1040  pause
        1040  → speech started
        1040  → turn 1 paused at 24576
        1072  discard 75424
        1072  → turn 1 flushed: 24576 played, 75424 discarded
        1072  resume
        1168  → speech ended 156 ms ago
    "#]]);
}

#[test]
fn in_the_guard_one_more_frame_is_asked_for() {
    let mut driver = browser();
    driver.voice(1, 100_000);
    driver.frames(2, QUIET);
    driver.trace.clear();
    driver.frames(2, VOICE);
    assert!(!driver.paused);
    driver.frame(VOICE);
    assert!(driver.paused);
    let mut driver = speaking();
    driver.frame(VOICE);
    assert!(!driver.paused);
    driver.frame(VOICE);
    assert!(driver.paused, "the guard never ends");
}

#[test]
fn an_uncertain_score_is_speech_in_silence_and_echo_over_her_voice() {
    let mut driver = browser();
    driver.frames(2, 0.52);
    assert!(driver.trace.contains("speech started"));
    // She plays at 0.1, which raises the thresholds by 0.06.
    let mut driver = speaking();
    driver.frames(3, 0.55);
    assert!(driver.paused, "it may be the beginning of a word");
    driver.frames(13, QUIET);
    driver.frames(40, 0.55);
    assert!(!driver.paused, "her own echo interrupted her");
    driver.frames(2, 0.58);
    assert!(driver.interrupted());
    let mut driver = browser();
    driver.voice(1, 100_000);
    driver.frames(40, 0.65);
    assert!(!driver.paused, "her own echo interrupted her in the guard");
    driver.frames(3, 0.68);
    assert!(driver.paused);
}

#[test]
fn a_telephone_is_not_guarded_against_an_echo() {
    let mut driver = Driver::new(Config::telephone());
    driver.voice(1, 50_000);
    driver.frames(20, 0.44);
    assert!(!driver.interrupted());
    driver.frame(0.46);
    assert!(!driver.interrupted());
    driver.frame(0.46);
    assert!(driver.interrupted());
}

#[test]
fn somebody_further_away_does_not_pause_her_and_the_caller_does() {
    let mut driver = browser();
    driver.frames(200, VOICE);
    driver.frames(20, QUIET);
    driver.voice(1, 200_000);
    driver.level = 0.1 / 3.0;
    driver.frames(100, VOICE);
    assert!(!driver.interrupted(), "a television interrupted her");
    driver.level = 0.1 / 2.2;
    driver.frames(5, VOICE);
    assert!(driver.interrupted());
}

#[test]
fn a_hiss_makes_her_hesitate_and_the_vowel_behind_it_interrupts_her() {
    let mut driver = speaking();
    driver.level = 0.01;
    driver.frames(4, 0.48);
    driver.level = 0.1;
    driver.frames(3, VOICE);
    driver.check(&expect![[r#"
        1056  pause
        1104  → speech started
        1104  → turn 1 paused at 24960
    "#]]);
}

#[test]
fn a_hesitation_for_nothing_is_short_and_does_not_come_often() {
    let mut driver = speaking();
    driver.frames(40, 0.48);
    driver.check(&expect![[r#"
        1056  pause
        1264  resume
        1328  → turn 1 played 26496
        1424  → turn 1 played 28800
        1536  → turn 1 played 31488
        1632  → turn 1 played 33792
    "#]]);
    driver.level = 0.01;
    for (turn, paused) in [(2, true), (3, false), (4, false)] {
        driver.flush(turn - 1);
        driver.frames(20, QUIET);
        driver.voice(turn, 100_000);
        driver.frames(63, QUIET);
        driver.frames(4, 0.48);
        assert_eq!(driver.paused, paused, "turn {turn}");
    }
    driver.level = 0.1;
    driver.frames(4, VOICE);
    assert!(driver.interrupted());
    driver.flush(4);
    driver.frames(20, QUIET);
    driver.voice(5, 100_000);
    driver.frames(63, QUIET);
    driver.frames(4, 0.48);
    assert!(driver.paused, "the caller has been heard over her voice");
}

#[test]
fn in_silence_a_weak_voice_begins_as_soon_as_a_loud_one() {
    for level in [0.0001, 0.01, 0.5] {
        let mut driver = browser();
        driver.level = level;
        driver.frames(2, VOICE);
        assert_eq!(driver.trace, "32    → speech started\n");
    }
}

#[test]
fn a_weak_voice_is_known_by_its_answers() {
    let mut driver = browser();
    driver.level = 0.01;
    driver.voice(1, 40_000);
    driver.frames(40, VOICE);
    assert!(!driver.paused, "an ordinary voice is expected at first");
    driver.frames(100, QUIET);
    driver.frames(100, VOICE);
    driver.frames(20, QUIET);
    driver.voice(2, 40_000);
    driver.frames(3, VOICE);
    assert!(driver.paused);
}

#[test]
fn a_frame_of_unknown_level_counts() {
    for level in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut driver = speaking();
        driver.level = level;
        driver.frames(2, VOICE);
        assert!(driver.paused, "{level}");
    }
}

#[test]
fn a_false_interruption_goes_on_where_she_paused_and_the_same_noise_cannot_stop_her_again() {
    let mut driver = speaking();
    driver.frames(5, VOICE);
    driver.give(Input::Resume {
        turn: TurnId::from_wire(9),
    });
    driver.give(Input::Resume {
        turn: TurnId::from_wire(1),
    });
    driver.frames(20, VOICE);
    driver.frames(12, QUIET);
    driver.frames(3, VOICE);
    driver.check(&expect![[r#"
        1040  pause
        1040  → speech started
        1040  → turn 1 paused at 24576
        1088  resume
        1168  → turn 1 played 26496
        1264  → turn 1 played 28800
        1376  → turn 1 played 31488
        1472  → turn 1 played 33792
        1504  → speech ended 156 ms ago
        1568  → turn 1 played 36096
        1632  pause
        1632  → speech started
        1632  → turn 1 paused at 37248
    "#]]);
}

#[test]
fn a_pause_nobody_answers_ends_by_itself_but_not_while_the_caller_speaks() {
    let mut driver = speaking();
    driver.frames(800, VOICE);
    assert!(driver.paused);
    driver.frames(150, QUIET);
    driver.frames(100, VOICE);
    assert!(driver.paused, "more speech starts the wait anew");
    let config = Config::browser();
    let frames = |length: Duration| length.as_micros().div_ceil(config.frame.as_micros()) as usize;
    driver.frames(
        frames(config.hangover) + frames(config.resume_after) - 1,
        QUIET,
    );
    assert!(driver.paused);
    driver.frames(1, QUIET);
    assert!(!driver.paused);
}

#[test]
fn a_caller_already_speaking_when_she_begins_stops_her() {
    let mut driver = browser();
    driver.frames(10, VOICE);
    driver.voice(1, 50_000);
    driver.frames(4, VOICE);
    driver.check(&expect![[r#"
        32    → speech started
        176   → turn 1 played 384
        208   pause
        208   → turn 1 paused at 768
    "#]]);
}

#[test]
fn a_flush_that_comes_late_leaves_the_newer_turn_alone() {
    let mut driver = browser();
    driver.voice(1, 1_000);
    driver.voice(2, 20_000);
    driver.frames(1, QUIET);
    driver.flush(1);
    driver.flush(1);
    driver.voice(1, 2_400);
    driver.frames(2, QUIET);
    assert_eq!(driver.handset.totals().refused, 2_400);
    driver.check(&expect![[r#"
        16    → turn 1 played 384
        16    discard 616
        16    → turn 1 flushed: 384 played, 616 discarded
        16    → turn 1 flushed: 384 played, 616 discarded
        32    → turn 2 played 384
    "#]]);
}

#[test]
fn a_flush_of_the_paused_turn_lets_the_next_one_play() {
    let mut driver = speaking();
    driver.voice(2, 5_000);
    driver.frames(3, VOICE);
    assert!(driver.paused);
    driver.flush(1);
    assert!(!driver.paused);
    driver.frames(1, QUIET);
    assert_eq!(
        driver.handset.account(TurnId::from_wire(2)).unwrap().played,
        384
    );
}

#[test]
fn a_flush_of_a_turn_never_heard_of_is_answered_and_closes_it() {
    let mut driver = browser();
    driver.flush(7);
    driver.voice(7, 2_400);
    driver.voice(8, 2_400);
    assert_eq!(driver.handset.totals().accepted, 2_400);
    driver.check(&expect![[r#"
        0     → turn 7 flushed: 0 played, 0 discarded
    "#]]);
}

#[test]
fn what_does_not_fit_or_is_out_of_order_is_refused_and_counted() {
    let mut driver = browser();
    driver.voice(2, Config::browser().capacity);
    driver.voice(2, 1);
    driver.voice(1, 5);
    driver.voice(3, 0);
    let totals = driver.handset.totals();
    assert_eq!(
        (totals.refused, totals.queued),
        (6, Config::browser().capacity)
    );
}

#[test]
fn a_gap_inside_a_turn_is_an_underrun_and_a_gap_between_turns_is_not() {
    let mut driver = browser();
    for (turn, underruns) in [(1, 0), (1, 1), (2, 1)] {
        driver.voice(turn, 300);
        assert_eq!(driver.handset.totals().underruns, underruns);
        driver.frames(2, QUIET);
    }
}

#[test]
fn more_turns_than_the_ledger_remembers_are_refused_until_the_oldest_is_over() {
    let mut driver = browser();
    for turn in 1..=17 {
        driver.voice(turn, 100);
    }
    assert_eq!(driver.handset.totals().refused, 100);
    driver.frames(1, QUIET);
    driver.voice(17, 100);
    assert_eq!(driver.handset.totals().refused, 100);
}

#[derive(Clone, Debug)]
enum Step {
    Flush(u32),
    Frames(usize, f32, f32),
    Resume(u32),
    Voice(u32, u64),
    Wait(u64),
}

fn level() -> impl Strategy<Value = f32> {
    prop_oneof![4 => 0.0_f32..1.0, 1 => Just(f32::NAN), 1 => Just(f32::MAX), 1 => Just(-1.0)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0_u32..6).prop_map(Step::Flush),
        4 => (1_usize..20, prop_oneof![Just(VOICE), Just(QUIET), 0.0_f32..1.0, Just(f32::NAN)], level()).prop_map(|(n, s, l)| Step::Frames(n, s, l)),
        1 => (0_u32..6).prop_map(Step::Resume),
        4 => (0_u32..6, 0_u64..5_000).prop_map(|(turn, samples)| Step::Voice(turn, samples)),
        1 => (0_u64..7_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// The driver asserts at each step that nothing of a closed turn is queued, that pause and resume alternate, and that
    /// it holds as much as the handset believes; a paused driver plays nothing.
    #[test]
    fn every_sample_is_accounted_for(steps in prop::collection::vec(step(), 1..120)) {
        let mut driver = Driver::new(Config { capacity: 20_000, ..Config::browser() });
        for step in steps {
            match step {
                Step::Flush(turn) => driver.flush(turn),
                Step::Frames(count, speech, level) => {
                    driver.level = level;
                    driver.frames(count, speech);
                }
                Step::Resume(turn) => driver.give(Input::Resume { turn: TurnId::from_wire(turn) }),
                Step::Voice(turn, samples) => driver.voice(turn, samples),
                Step::Wait(millis) => driver.now += millis,
            }
            let totals = driver.handset.totals();
            prop_assert_eq!(totals.played + totals.discarded + totals.queued, totals.accepted);
            prop_assert!(totals.queued <= 20_000);
            let mut queued = 0;
            for turn in 0..6 {
                if let Some(account) = driver.handset.account(TurnId::from_wire(turn)) {
                    prop_assert_eq!(account.played + account.discarded + account.queued(), account.accepted);
                    queued += account.queued();
                    prop_assert_eq!(driver.handset.queued_through(TurnId::from_wire(turn)), queued);
                }
            }
            prop_assert_eq!(driver.handset.poll_output(), Output::Timeout(driver.deadline), "drained means drained");
        }
    }

    /// Nothing holds her for ever: five seconds of silence and she plays to the end.
    #[test]
    fn silence_always_lets_her_finish(steps in prop::collection::vec(step(), 1..40)) {
        let mut driver = Driver::new(Config { capacity: 20_000, ..Config::browser() });
        for step in steps {
            match step {
                Step::Flush(turn) => driver.flush(turn),
                Step::Frames(count, speech, level) => {
                    driver.level = level;
                    driver.frames(count, speech);
                }
                Step::Resume(turn) => driver.give(Input::Resume { turn: TurnId::from_wire(turn) }),
                Step::Voice(turn, samples) => driver.voice(turn, samples),
                Step::Wait(millis) => driver.now += millis,
            }
        }
        driver.frames(12 + 313 + 20_000 / 384 + 2, QUIET);
        prop_assert_eq!(driver.handset.totals().queued, 0);
    }
    /// Nobody is locked out: whatever was heard before, an ordinary loud voice stops her within four frames.
    #[test]
    fn a_caller_can_always_interrupt(before in prop::collection::vec((1_usize..200, 0.0_f32..1.0, level()), 0..20)) {
        let mut driver = browser();
        for (count, speech, level) in before {
            driver.level = level;
            driver.frames(count, speech);
        }
        driver.frames(20, QUIET);
        driver.voice(1, 100_000);
        driver.level = 0.08;
        driver.frames(4, VOICE);
        prop_assert!(driver.paused);
    }
}
