//! Generated calls against the invariants of ARCHITECTURE.md. The number in a test's name is the invariant's.

use proptest::prelude::*;
use std::time::Duration;
use voice_core::conversation::{Config, Conversation, Fault, Input, Output, Sound};
use voice_core::endpointing::Policy;
use voice_core::time::Timestamp;
use voice_core::tools::{self, Answer};
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Phase, ServerMessage};

use crate::world::{Door, ENDS_CALL, Ears, LOOKS_UP, Latency, Work, World, config};
use voice_core::simulation::scenario::{Action, Scenario};

fn a_call() -> impl Strategy<Value = (Scenario, Latency)> {
    let words = prop::sample::select(vec![
        "Yes please.",
        "Stop.",
        "Mm-hmm.",
        "I want to come on Monday and",
        "What do you charge for a cleaning?",
    ]);
    let action = prop_oneof![
        3 => (200_u64..2_000, words).prop_map(|(millis, words)| Action::Say { millis, words: words.to_owned() }),
        1 => (50_u64..1_500).prop_map(|millis| Action::Noise { millis }),
        1 => "[0-9]{1,4}[*#]?".prop_map(|digits| Action::Press { digits }),
    ];
    let answer = prop_oneof![
        4 => Just(Some("Sure. We are open from nine to five. On Saturday we are closed, and on Sunday too.".to_owned())),
        1 => Just(Some("OK.".to_owned())),
        1 => Just(Some(format!("{ENDS_CALL}Goodbye, then."))),
        1 => Just(Some(LOOKS_UP.to_owned())),
        1 => Just(Some(format!("{LOOKS_UP}Let me look. "))),
        1 => Just(Some(String::new())),
        1 => Just(None),
    ];
    let latency = (0_u64..200, 20_u64..600, 10_u64..900, 10_u64..900).prop_map(
        |(network, recogniser, model, voice)| Latency {
            network,
            recogniser,
            model,
            voice,
        },
    );
    (
        prop::collection::vec((200_u64..4_000, action), 1..12),
        prop::collection::vec(answer, 0..12),
        latency,
    )
        .prop_map(|(steps, answers, latency)| {
            let mut at = 0;
            let mut actions = vec![(0, Action::Call)];
            for (pause, action) in steps {
                at += pause;
                actions.push((at, action));
            }
            actions.push((at + 15_000, Action::HangUp));
            (Scenario { answers, actions }, latency)
        })
}

/// A recogniser of either kind, which may lose what it says.
fn some_ears() -> impl Strategy<Value = Ears> {
    (
        prop::option::of(0_u64..400),
        prop::option::weighted(0.3, 2_u64..6),
    )
        .prop_map(|(judges, loses)| Ears { judges, loses })
}

fn a_door() -> impl Strategy<Value = Door> {
    prop::sample::select(Door::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn invariant_2_audio_of_a_turn_that_is_over_is_never_played((script, latency) in a_call()) {
        for door in Door::ALL {
            let world = World::run(&script, latency, door);
            for (turn, flushed) in &world.flushed {
                let late = world.played.iter().find(|(at, played, _)| at > flushed && played <= turn);
                prop_assert!(late.is_none(), "{late:?} after the flush of {turn:?} at {flushed} by {door:?}\n{}", world.trace());
            }
        }
    }

    #[test]
    fn invariant_16_a_turn_gets_one_reply_and_a_dropped_one_is_never_heard((script, latency) in a_call(), door in a_door(), ears in some_ears()) {
        let mut config = config(door);
        if ears.judges.is_some() {
            config.endpointing = Policy::by_recogniser();
        }
        let world = World::hearing(&script, latency, door, ears, config).through(&script);
        let trace = world.trace();
        let (mut asked, mut ran, mut over, mut recorded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut replying = TurnId::NONE;
        for (turn, work) in &world.work {
            match work {
                Work::Asked => {
                    let before = asked.iter().filter(|asked| *asked == turn).count();
                    prop_assert!(before == 0 || ran.contains(turn), "{turn:?} was asked twice\n{trace}");
                    prop_assert!(before < 5, "{turn:?} goes round in circles\n{trace}");
                    asked.push(*turn);
                }
                Work::Ran => {
                    prop_assert!(*turn == replying && !over.contains(turn), "{turn:?} has something done in {replying:?}\n{trace}");
                    ran.push(*turn);
                }
                Work::Cancelled => {
                    prop_assert!(!over.contains(turn), "{turn:?} was over already\n{trace}");
                    over.push(*turn);
                }
                Work::Processing => {
                    prop_assert!(!over.contains(turn) && *turn > replying, "{turn:?} is replied to again\n{trace}");
                    replying = *turn;
                }
                Work::Played => prop_assert!(*turn == replying && !over.contains(turn), "{turn:?} sounds in {replying:?}\n{trace}"),
                Work::Recorded => {
                    prop_assert!(!recorded.contains(turn), "{turn:?} was recorded twice\n{trace}");
                    recorded.push(*turn);
                }
                Work::WantedEnd => {}
            }
        }
        let wanted_end: Vec<TurnId> = world.work.iter().filter(|(_, work)| *work == Work::WantedEnd).map(|(turn, _)| *turn).collect();
        let ends: Vec<&str> = trace.lines().filter(|line| line.contains("hangs up")).collect();
        prop_assert!(ends.len() <= 1, "the call ends once\n{trace}");
        if ends.iter().any(|line| line.contains("Completed")) {
            prop_assert!(wanted_end.contains(&replying), "a request that was dropped ended the call\n{trace}");
        }
    }

    #[test]
    fn invariant_17_whatever_happens_and_then_stops_the_call_ends(facts in prop::collection::vec(a_fact(), 0..200), judges in any::<bool>()) {
        let endpointing = if judges { Policy::by_recogniser() } else { Policy::by_silence() };
        let mut call = Conversation::new(Config { endpointing, ..config(Door::Browser) });
        let mut now = Timestamp::ZERO;
        call.handle_input(now, Input::CallStarted);
        for (pause, fact) in facts {
            now = now + pause;
            call.handle_input(now, fact(call.turn()));
            drain(&mut call, &mut Vec::new());
        }
        // Nobody answers any more: neither model nor voice nor caller.
        for _ in 0..100 {
            let Some(due) = drain(&mut call, &mut Vec::new()) else { break };
            prop_assert!(due.since(now) <= Duration::from_secs(12), "{:?} waits until {due:?}", call.phase());
            now = now.max(due);
            call.handle_input(now, Input::Timeout);
        }
        prop_assert_eq!(call.phase(), Phase::Ended);
    }

    #[test]
    fn invariant_4_timeout_comes_exactly_when_nothing_else_is_left((script, latency) in a_call(), door in a_door()) {
        prop_assert!(!World::run(&script, latency, door).asked_for_timeout_with_work_left);
    }

    #[test]
    fn invariant_9_phases_move_as_the_table_says_and_every_call_ends((script, latency) in a_call(), door in a_door()) {
        let world = World::run(&script, latency, door);
        let mut phase = Phase::Idle;
        for (at, next) in &world.phases {
            prop_assert!(phase.may_become(*next), "{phase:?} → {next:?} at {at}\n{}", world.trace());
            phase = *next;
        }
        prop_assert_eq!(phase, Phase::Ended);
    }

    #[test]
    fn invariant_10_every_state_that_waits_has_a_timer(facts in prop::collection::vec(a_fact(), 0..200)) {
        let mut call = Conversation::new(config(Door::Browser));
        let mut now = Timestamp::ZERO;
        call.handle_input(now, Input::CallStarted);
        for (pause, fact) in facts {
            let due = drain(&mut call, &mut Vec::new());
            let waits = !matches!(call.phase(), Phase::Idle | Phase::Ended);
            prop_assert_eq!(due.is_some(), waits, "{:?}", call.phase());
            now = now + pause;
            call.handle_input(now, fact(call.turn()));
        }
    }

    #[test]
    fn invariant_3_nothing_of_an_ended_turn_goes_out(facts in prop::collection::vec(a_fact(), 0..200)) {
        let mut call = Conversation::new(config(Door::Browser));
        call.handle_input(Timestamp::ZERO, Input::CallStarted);
        let mut now = Timestamp::ZERO;
        let mut over = TurnId::NONE;
        for (pause, fact) in facts {
            now = now + pause;
            call.handle_input(now, fact(call.turn()));
            let mut outputs = Vec::new();
            drain(&mut call, &mut outputs);
            for output in outputs {
                match output {
                    Output::Cancel(turn) => {
                        prop_assert!(turn > over, "a turn ends once");
                        over = turn;
                    }
                    Output::Mark(piece) => prop_assert!(piece.turn() > over),
                    Output::Play(sound) => prop_assert!(sound.turn() > over),
                    Output::Say(piece) => prop_assert!(piece.turn() > over),
                    Output::Ask(prompt) => prop_assert!(prompt.turn() > over),
                    Output::Run(call) => prop_assert!(call.turn() > over),
                    Output::Transmit(ServerMessage::Resume { turn }) => prop_assert!(turn > over),
                    _ => {}
                }
            }
        }
    }
}

type Fact = Box<dyn Fn(TurnId) -> Input>;

/// Any fact at any moment, of the current turn or of an old one.
fn a_fact() -> impl Strategy<Value = (Duration, DebugFact)> {
    let fact = prop_oneof![
        Just(0),
        Just(1),
        Just(2),
        Just(3),
        Just(4),
        Just(5),
        Just(6),
        Just(7),
        Just(8),
        Just(9),
        Just(10),
        Just(11),
        Just(12),
        Just(13),
        Just(14),
        Just(15),
        Just(16),
        Just(17),
        Just(18),
        Just(19),
        Just(20),
        Just(21)
    ];
    // Of this turn, of one that is over, or of the one that is asked for ahead of time.
    let turns_back = prop_oneof![4 => Just(0_i64), 1 => 1_i64..3, 3 => Just(-1_i64)];
    let pause = prop_oneof![3 => 0_u64..50, 1 => 50_u64..10_000].prop_map(Duration::from_millis);
    (pause, fact, turns_back, 0_u32..100_000).prop_map(|(pause, kind, back, number)| {
        let make: Fact = Box::new(move |current| {
            let turn = TurnId::from_wire((i64::from(current.number()) - back).max(0) as u32);
            let samples = ForTurn::new(turn, u64::from(number));
            let heard = |text: &str, is_final| Recognition {
                text: text.to_owned(),
                is_final,
                ends_utterance: is_final,
                answers_finalize: number.is_multiple_of(3),
                likely_ended: !is_final && number.is_multiple_of(5),
            };
            match kind {
                0 => Input::SpeechStarted,
                1 => Input::SpeechEnded {
                    silence: Duration::from_millis(200),
                },
                2 => Input::Paused(samples),
                3 => Input::Played(samples),
                4 => Input::Flushed(samples),
                5 => Input::Heard(heard("could you tell me", false)),
                6 => Input::Heard(heard("what it costs?", true)),
                7 => Input::Gap,
                8 => Input::Token(ForTurn::new(turn, "Of course, we are open. ".to_owned())),
                9 => Input::TextDone(ForTurn::new(turn, ())),
                10 => Input::Voiced(ForTurn::new(
                    turn,
                    Sound {
                        bytes: Vec::new(),
                        samples: number % 2_400,
                    },
                )),
                11 => Input::PieceDone(ForTurn::new(turn, ())),
                12 => Input::Failed(ForTurn::new(
                    turn,
                    if number.is_multiple_of(2) {
                        Fault::Model
                    } else {
                        Fault::Voice
                    },
                )),
                13 => Input::Digit(char::from_digit(number % 10, 10).unwrap_or('#')),
                14 => Input::Digit(if number.is_multiple_of(2) { '#' } else { '*' }),
                15 => Input::ToolCall(ForTurn::new(
                    turn,
                    tools::Call::named(
                        ["end_call", "transfer_call", "sing", "look_up"][number as usize % 4],
                    ),
                )),
                16 => Input::Resumed,
                19 => Input::Away,
                20 => Input::Back(samples),
                21 => Input::SafeMode(number.is_multiple_of(2)),
                17 => Input::Answered(ForTurn::new(
                    turn,
                    Answer {
                        call: "look_up".to_owned(),
                        done: true,
                        text: "found".to_owned(),
                    },
                )),
                _ => Input::Timeout,
            }
        });
        (pause, DebugFact(kind, make))
    })
}

/// A fact in waiting; its kind is all that a failure report can show of it.
struct DebugFact(i32, Fact);

impl std::ops::Deref for DebugFact {
    type Target = Fact;

    fn deref(&self) -> &Fact {
        &self.1
    }
}

impl std::fmt::Debug for DebugFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fact {}", self.0)
    }
}

fn drain(call: &mut Conversation, outputs: &mut Vec<Output>) -> Option<Timestamp> {
    loop {
        match call.poll_output() {
            Output::Timeout(due) => return due,
            output => outputs.push(output),
        }
    }
}
