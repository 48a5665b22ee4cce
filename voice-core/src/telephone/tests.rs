mod line;

use proptest::prelude::*;

use self::line::{Line, MS, QUIET, VOICE, sound};
use super::*;
use crate::audio::SampleRate;

const NETWORKS: [(u64, u64); 6] = [(0, 0), (50, 0), (200, 0), (0, 20), (50, 20), (200, 20)];

#[test]
fn what_is_booked_is_what_a_clear_would_find_played() {
    for (delay, jitter) in NETWORKS {
        let mut line = Line::new(delay, jitter);
        let whole = sound(3_000);
        line.piece(1, 0, &whole[..1_200 * MS]);
        line.piece(1, 1, &whole[1_200 * MS..]);
        let mut booked = Vec::new();
        for _ in 0..4_000 {
            line.tick();
            booked.push((line.now, line.heard()));
        }
        assert_eq!(line.played(), whole);
        assert_eq!(line.longest_gap(), 1, "she stammered");
        assert_eq!(line.telephone.gaps(), 0);
        assert_eq!(line.heard(), whole.len() as u64);
        for (at, booked) in booked {
            let there = line
                .played
                .partition_point(|(played_at, _)| *played_at <= at + delay)
                as u64;
            let slack = (jitter + 20) * MS as u64;
            assert!(
                booked <= there + slack && there <= booked + slack,
                "{delay}±{jitter} ms, at {at}: {booked} booked, {there} played"
            );
        }
    }
}

#[test]
fn invariant_12_a_false_interruption_loses_nothing_and_repeats_little() {
    for (delay, jitter) in NETWORKS {
        for onset in [60, 401, 1_507, 2_950] {
            let mut line = Line::new(delay, jitter);
            let whole = sound(3_000);
            line.piece(1, 0, &whole[..1_600 * MS]);
            line.piece(1, 1, &whole[1_600 * MS..]);
            line.run(onset);
            line.speech = Some(VOICE);
            line.run(120);
            line.speech = Some(QUIET);
            line.run(600);
            let paused_at = line.paused_at().expect("she paused");
            let before = line.played().len();
            assert!(
                (before as u64).abs_diff(paused_at) <= jitter * MS as u64,
                "{delay}±{jitter} ms: said {paused_at}, played {before}"
            );
            line.give(Input::Resume {
                turn: TurnId::from_wire(1),
            });
            line.run(4_000);
            let (first, second) = line.played.split_at(before);
            assert!(first.iter().map(|(_, s)| s).eq(&whole[..before]));
            let second: Vec<u8> = second.iter().map(|(_, sample)| *sample).collect();
            assert!(whole.ends_with(&second), "the rest was cut up");
            let begins = whole.len() - second.len();
            assert!(begins <= before, "a hole of {} samples", begins - before);
            let most = (40 + jitter as usize) * MS;
            assert!(before - begins <= most, "{} samples twice", before - begins);
            assert_eq!(
                line.heard(),
                whole.len() as u64,
                "everything was heard once"
            );
            assert_eq!(line.ragged_frames, 0, "sent again off the grid of frames");
            assert_eq!(line.telephone.gaps(), 0);
        }
    }
}

#[test]
fn invariant_12_after_a_clear_arrives_not_one_sample_of_the_cut_turn_is_played() {
    for (delay, jitter) in NETWORKS {
        for (at, paused) in [
            (30, false),
            (700, false),
            (700, true),
            (1_990, false),
            (2_010, true),
        ] {
            let mut line = Line::new(delay, jitter);
            line.piece(1, 0, &sound(2_000));
            line.run(at);
            if paused {
                line.speech = Some(VOICE);
                line.run(100);
            }
            let turn = TurnId::from_wire(1);
            line.give(Input::Flush { turn });
            line.speech = Some(QUIET);
            line.voice(1, &sound(500));
            line.give(Input::PieceEnded(ForTurn::new(turn, 1)));
            line.piece(2, 0, &[0xAA; 400 * MS]);
            line.run(3_000);
            let cleared = line.clears_arrived.last().copied().unwrap_or_default();
            let late = line
                .played
                .iter()
                .find(|(at, sample)| *at > cleared && *sample < 0x80 && cleared > 0);
            assert_eq!(late, None, "{delay}±{jitter} ms, cut at {at}");
            let second = line.played.iter().filter(|(_, s)| *s == 0xAA).count();
            assert_eq!(second, 400 * MS, "the next turn is whole");
            let account = line.telephone.handset().account(turn).expect("an account");
            assert_eq!(account.queued(), 0);
            assert!(line.clears_sent.len() <= 1, "cleared twice for one cut");
            assert!(
                !line.marks_sent.iter().any(|name| name.starts_with("t1-p1")),
                "a mark of a turn that is over: {:?}",
                line.marks_sent
            );
            if cleared == 0 {
                assert_eq!(account.discarded, 0, "nothing was cleared");
            }
        }
    }
}

#[test]
fn what_was_sent_and_not_yet_played_is_cleared_too() {
    let mut line = Line::new(50, 0);
    line.piece(1, 0, &sound(300));
    line.run(100);
    assert!(line.telephone.playout.is_all_sent());
    line.give(Input::Flush {
        turn: TurnId::from_wire(1),
    });
    line.run(1_000);
    assert_eq!(line.clears_arrived.len(), 1);
    assert_eq!(line.played.len(), 100 * MS);
    let turn = TurnId::from_wire(1);
    line.give(Input::Flush { turn });
    assert_eq!(line.clears_sent.len(), 1, "an empty buffer is left alone");
}

#[test]
fn invariant_13_marks_that_a_clear_returns_count_for_nothing() {
    let mut line = Line::new(200, 0);
    line.piece(1, 0, &sound(200));
    line.piece(1, 1, &sound(2_000));
    line.run(50);
    line.give(Input::Flush {
        turn: TurnId::from_wire(1),
    });
    let heard = line.heard();
    assert_eq!(heard, 50 * MS as u64);
    line.run(2_000);
    assert!(line.up.is_empty(), "the mark came back");
    assert_eq!(line.heard(), heard);
    assert_eq!(line.telephone.strange_marks(), 0);
}

#[test]
fn invariant_13_marks_that_never_return_hold_nothing_up_for_long() {
    for scored in [true, false] {
        let mut line = Line::new(50, 0);
        line.returns_marks = false;
        line.speech = scored.then_some(QUIET);
        for piece in 0..3 {
            line.piece(1, piece, &sound(1_000));
        }
        line.run(3_900);
        assert!(line.heard() < 3_000 * MS as u64, "heard without a witness");
        line.run(200);
        assert_eq!(line.heard(), 3_000 * MS as u64);
        assert_eq!(line.due, None, "nothing is left to wait for");
    }
}

#[test]
fn a_voice_that_breaks_off_without_an_end_of_its_piece_ends_all_the_same() {
    let mut line = Line::new(50, 0);
    line.voice(1, &sound(500));
    line.run(600);
    assert_eq!(line.heard(), 500 * MS as u64 - 1);
    line.run(1_000);
    assert_eq!(line.heard(), 500 * MS as u64);
}

#[test]
fn the_end_of_a_reply_waits_for_its_mark_and_no_longer() {
    let mut line = Line::new(100, 0);
    line.piece(1, 0, &sound(1_000));
    line.run(1_190);
    assert_eq!(line.heard(), 1_000 * MS as u64 - 1);
    line.run(20);
    assert_eq!(line.heard(), 1_000 * MS as u64);
}

#[test]
fn a_stalled_network_holds_the_clock_back() {
    let mut line = Line::new(50, 0);
    for piece in 0..8 {
        line.piece(1, piece, &sound(500));
    }
    line.run(700);
    // From now on nothing arrives for a while.
    for (at, _) in &mut line.down {
        *at += 2_000;
    }
    line.delay += 2_000;
    line.run(900);
    let ceiling = 1_000 + playout::ROUND_TRIP.as_millis() as u64;
    assert!(line.heard() <= ceiling * MS as u64, "{}", line.heard());
}

#[test]
fn a_mark_that_comes_before_its_time_corrects_the_clock() {
    let mut line = Line::new(0, 0);
    line.piece(1, 0, &sound(200));
    line.piece(1, 1, &sound(2_000));
    line.run(100);
    line.give(Input::Marked("t1-p0-g0".to_owned()));
    assert_eq!(line.heard(), 200 * MS as u64);
    line.run(32);
    assert!(line.heard() >= 216 * MS as u64, "and it goes on from there");
}

#[test]
fn names_that_nobody_asked_for_are_counted_and_change_nothing() {
    let mut line = Line::new(50, 0);
    line.piece(1, 0, &sound(1_000));
    line.run(300);
    line.give(Input::Timeout);
    let heard = line.heard();
    for name in [
        "",
        "t1-p0-g1",
        "t1-p1-g0",
        "t2-p0-g0",
        "t1-p0",
        "t+1-p0-g0",
        "t1-p0-g0 ",
        "t99999999999-p0-g0",
    ] {
        line.give(Input::Marked(name.to_owned()));
    }
    assert_eq!(line.telephone.strange_marks(), 8);
    assert_eq!(line.heard(), heard);
}

#[test]
fn a_voice_that_comes_too_late_leaves_a_gap_that_is_counted_once() {
    let mut line = Line::new(50, 0);
    line.piece(1, 0, &sound(300));
    line.run(500);
    line.piece(1, 1, &sound(300));
    assert_eq!(line.telephone.gaps(), 1);
    line.run(1_000);
    line.piece(2, 0, &sound(300));
    line.run(1_000);
    assert_eq!(line.telephone.gaps(), 1, "a new turn begins when it likes");
    assert_eq!(
        line.longest_gap(),
        line.played[600 * MS].0 - line.played[600 * MS - 1].0
    );
}

#[test]
fn without_the_callers_sound_the_timer_keeps_hers_going_and_is_not_a_busy_one() {
    let mut line = Line::new(50, 0);
    line.speech = None;
    line.piece(1, 0, &sound(10_000));
    let mut wakes = 0;
    for _ in 0..11_000 {
        let due = line.due;
        line.tick();
        wakes += u32::from(due.is_some_and(|due| due.as_millis() == line.now));
    }
    assert_eq!(line.played().len(), 10_000 * MS);
    assert_eq!(line.longest_gap(), 1);
    assert_eq!(line.due, None);
    assert!(wakes < 80, "{wakes} wake-ups in ten seconds");
}

/// From the caller's first sound to the `clear`: the sound fills packets of 20 ms, and those fill frames of 16 ms.
#[test]
fn a_caller_is_heard_within_a_tenth_of_a_second() {
    for speaking_for in [400, 1_700] {
        for onset in 0..80 {
            let mut line = Line::new(50, 0);
            line.speech = None;
            line.piece(1, 0, &sound(5_000));
            line.run(speaking_for);
            let begins = line.now + onset;
            let (mut scored, first) = (0, line.now);
            while line.clears_sent.is_empty() {
                line.tick();
                let packets = (line.now - first) / 20 * 20;
                while (scored + 1) * 16 <= packets {
                    let middle = first + scored * 16 + 8;
                    scored += 1;
                    let speech = if middle >= begins { VOICE } else { QUIET };
                    line.give(Input::Score { speech, level: 0.1 });
                }
            }
            assert!(line.now - begins <= 100, "{} ms", line.now - begins);
        }
    }
}

#[test]
fn a_long_call_needs_no_more_memory_than_a_short_one() {
    let mut line = Line::new(50, 10);
    let mut at_minute_five = 0;
    for turn in 1..=120 {
        for piece in 0..3 {
            line.piece(turn, piece, &sound(1_500));
        }
        line.run(2_000);
        match turn % 4 {
            0 => {
                line.give(Input::Flush {
                    turn: TurnId::from_wire(turn),
                });
            }
            1 => {
                line.speech = Some(VOICE);
                line.run(200);
                line.speech = Some(QUIET);
                line.give(Input::Resume {
                    turn: TurnId::from_wire(turn),
                });
            }
            _ => {}
        }
        line.run(u64::from(turn) * 10_000 + 1_000 - line.now);
        line.played.clear();
        if turn == 30 {
            at_minute_five = held(&line.telephone);
        }
    }
    assert_eq!(line.now, 1_201_000, "twenty minutes");
    assert_eq!(held(&line.telephone), at_minute_five);
    assert!(at_minute_five < 100_000, "{at_minute_five} bytes");
}

/// Bytes held, whether used or not.
fn held(telephone: &Telephone) -> usize {
    telephone.playout.capacity()
        + size_of::<Output>() * telephone.outputs.capacity()
        + telephone.arriving.capacity()
}

#[derive(Clone, Debug)]
enum Step {
    Flush(u32),
    PieceEnded(u32, u32),
    Resume(u32),
    Returned(String),
    Speech(Option<f32>),
    Voice(u32, usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let score = prop_oneof![Just(VOICE), Just(QUIET), 0.0_f32..1.0, Just(f32::NAN)];
    let name = (0_u32..6, 0_u32..4, 0_u32..4).prop_map(|(t, p, g)| format!("t{t}-p{p}-g{g}"));
    prop_oneof![
        1 => (0_u32..6).prop_map(Step::Flush),
        3 => (0_u32..6, 0_u32..4).prop_map(|(turn, piece)| Step::PieceEnded(turn, piece)),
        2 => (0_u32..6).prop_map(Step::Resume),
        1 => prop_oneof![name, ".{0,12}"].prop_map(Step::Returned),
        2 => prop::option::of(score).prop_map(Step::Speech),
        4 => (0_u32..6, 0_usize..12_000).prop_map(|(turn, samples)| Step::Voice(turn, samples)),
        6 => (0_u64..900).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// The line asserts at each step what always holds; here is what holds at the end: nobody waits for ever.
    #[test]
    fn every_sample_is_accounted_for(
        steps in prop::collection::vec(step(), 1..60),
        delay in prop::sample::select(vec![0_u64, 50, 200]),
        jitter in prop::sample::select(vec![0_u64, 20, 150]),
        returns_marks in any::<bool>(),
    ) {
        let mut line = Line::new(delay, jitter);
        line.returns_marks = returns_marks;
        line.telephone = Telephone::new(Config {
            handset: handset::Config { capacity: 20_000, ..handset::Config::telephone() },
            ..Config::default()
        });
        for step in steps {
            match step {
                Step::Flush(turn) => line.give(Input::Flush { turn: TurnId::from_wire(turn) }),
                Step::PieceEnded(turn, piece) => {
                    line.give(Input::PieceEnded(ForTurn::new(TurnId::from_wire(turn), piece)));
                }
                Step::Resume(turn) => line.give(Input::Resume { turn: TurnId::from_wire(turn) }),
                Step::Returned(name) => line.give(Input::Marked(name)),
                Step::Speech(speech) => line.speech = speech,
                Step::Voice(turn, samples) => line.voice(turn, &vec![0x55; samples]),
                Step::Wait(millis) => line.run(millis),
            }
        }
        // A pause ends by itself five seconds after the caller fell silent; then comes what there is, at most.
        line.speech = Some(QUIET);
        let longest = SampleRate::TELEPHONE.duration_of(20_000).as_millis() as u64;
        line.run(200 + 5_000 + longest + 2_500);
        prop_assert_eq!(line.telephone.totals().queued, 0);
        prop_assert_eq!(line.due, None);
    }
}

#[test]
fn a_first_sound_that_is_short_waits_for_the_next_and_not_for_long() {
    let first_played = |rest_after: Option<u64>| {
        let mut line = Line::new(0, 0);
        let begins = line.now;
        line.voice(1, &sound(20));
        if let Some(millis) = rest_after {
            line.run(millis);
            line.voice(1, &sound(400));
        }
        line.run(1_000);
        assert_eq!(line.telephone.gaps(), 0, "she stammered");
        assert!(line.longest_gap() <= 1);
        line.played.first().map(|(at, _)| at - begins)
    };
    assert_eq!(first_played(Some(0)), Some(1), "enough at once");
    assert_eq!(
        first_played(Some(15)),
        Some(16),
        "as soon as there is enough"
    );
    assert_eq!(first_played(None), Some(21), "nothing follows");
}
