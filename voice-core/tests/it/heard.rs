//! What a call remembers of her replies and when it tells of them, against an account that is kept here, outside the conversation.

use std::time::Duration;

use proptest::prelude::*;
use voice_core::audio::SampleRate;
use voice_core::conversation::{Config, Conversation, Exchange, Fault, Input, Output, Sound};
use voice_core::prompt::{Prompt, Role};
use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Phase, ServerMessage, Speaker};

/// How a reply comes to its end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// The caller takes the floor, and the handset says how much it had played.
    BargeIn,
    /// The same, and the handset never answers.
    BargeInWithoutAnswer,
    HangUp,
    Played,
    VoiceFails,
}

/// One reply: the words of each sentence, the sound of each piece and how much of all that is voiced and played.
#[derive(Clone, Debug)]
struct Plan {
    sentences: Vec<usize>,
    sounds: Vec<u32>,
    voiced: usize,
    reports: Vec<u64>,
    /// What is played between the pause and the flush.
    more: u64,
    ending: Ending,
}

fn a_plan() -> impl Strategy<Value = Plan> {
    let ending = prop::sample::select(vec![
        Ending::BargeIn,
        Ending::BargeInWithoutAnswer,
        Ending::HangUp,
        Ending::Played,
        Ending::VoiceFails,
    ]);
    (
        prop::collection::vec(1_usize..14, 1..8),
        prop::collection::vec(1_u32..100_000, 8),
        0_usize..20,
        prop::collection::vec(0_u64..400_000, 1..8),
        0_u64..50_000,
        ending,
    )
        .prop_map(|(sentences, sounds, voiced, reports, more, ending)| Plan {
            sentences,
            sounds,
            voiced,
            reports,
            more,
            ending,
        })
}

/// A call without a greeting, and everything that came out of it.
struct Call {
    conversation: Conversation,
    now: Timestamp,
    prompts: Vec<Prompt>,
    records: Vec<Exchange>,
    /// The pieces given to the voice, by turn.
    said: Vec<(TurnId, String)>,
    /// Where the sound of each piece begins, as the captions have it.
    begins: Vec<(TurnId, String, u64)>,
    sent: Vec<(TurnId, u64)>,
    /// The turns told of by `cut` or `report`, and whether each had been given to the record before.
    told: Vec<(TurnId, bool)>,
    /// Samples that the voice gave.
    sounded: u64,
}

impl Call {
    fn start() -> Self {
        let mut call = Self {
            conversation: Conversation::new(Config::new("", "Be kind.", SampleRate::VOICE)),
            now: Timestamp::ZERO,
            prompts: Vec::new(),
            records: Vec::new(),
            said: Vec::new(),
            begins: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
            sounded: 0,
        };
        call.tell(Input::CallStarted);
        call
    }

    fn tell(&mut self, input: Input) -> Option<Timestamp> {
        self.now = self.now + Duration::from_millis(1);
        self.conversation.handle_input(self.now, input);
        loop {
            match self.conversation.poll_output() {
                Output::Ask(prompt) => self.prompts.push(prompt.into_parts().1),
                Output::Play(sound) => self
                    .sent
                    .push((sound.turn(), sound.into_parts().1.samples.into())),
                Output::Record(exchange) => self.records.push(exchange),
                Output::Say(piece) => self.said.push((piece.turn(), piece.into_parts().1.text)),
                Output::Transmit(ServerMessage::Caption {
                    speaker: Speaker::Agent,
                    turn,
                    text,
                    from_sample: Some(from),
                    ..
                }) => {
                    self.begins.push((turn, text, from));
                }
                Output::Transmit(ServerMessage::Cut { turn, .. }) => self.note_told(turn),
                Output::Transmit(ServerMessage::Report(report)) => self.note_told(report.turn),
                Output::Timeout(due) => return due,
                _ => {}
            }
        }
    }

    fn note_told(&mut self, turn: TurnId) {
        self.told
            .push((turn, self.records.iter().any(|record| record.turn == turn)));
    }

    /// Lets time pass until the next deadline.
    fn wait(&mut self) {
        if let Some(due) = self.tell(Input::Timeout) {
            self.now = due;
        }
        self.tell(Input::Timeout);
    }

    /// The caller says something and falls silent; gives the turn in which it is answered.
    fn ask(&mut self, words: &str) -> TurnId {
        self.tell(Input::SpeechStarted);
        self.tell(Input::SpeechEnded {
            silence: Duration::from_millis(192),
        });
        self.tell(Input::Heard(certain(words)));
        for _ in 0..4 {
            if self.conversation.phase() != Phase::Processing {
                self.wait();
            }
        }
        assert_eq!(self.conversation.phase(), Phase::Processing);
        self.conversation.turn()
    }

    fn sent_of(&self, turn: TurnId) -> u64 {
        self.sent
            .iter()
            .filter(|(of, _)| *of == turn)
            .map(|(_, samples)| samples)
            .sum()
    }

    /// How many pieces the voice was given.
    fn pieces(&self, turn: TurnId) -> usize {
        self.said.iter().filter(|(of, _)| *of == turn).count()
    }

    fn voice(&mut self, turn: TurnId, samples: u32) {
        self.sounded += u64::from(samples);
        let sound = Sound {
            bytes: Vec::new(),
            samples,
        };
        self.tell(Input::Voiced(ForTurn::new(turn, sound)));
        self.tell(Input::PieceDone(ForTurn::new(turn, ())));
    }

    /// Answers in this turn as planned; gives how many samples a listener has heard of it.
    fn answer(&mut self, turn: TurnId, plan: &Plan) -> u64 {
        let mut number = 0;
        for words in &plan.sentences {
            for word in 1..=*words {
                let stop = if word == *words { ". " } else { " " };
                self.tell(Input::Token(ForTurn::new(
                    turn,
                    format!("{}{stop}", name(number)),
                )));
                number += 1;
            }
        }
        self.tell(Input::TextDone(ForTurn::new(turn, ())));

        let mut played = 0;
        let mut reports = plan.reports.iter();
        for piece in 0..plan.voiced {
            if piece >= self.pieces(turn) {
                break;
            }
            self.voice(turn, plan.sounds[piece % plan.sounds.len()]);
            if let Some(report) = reports.next() {
                // A handset cannot have played what was not sent.
                played = played.max((*report).min(self.sent_of(turn)));
                self.tell(Input::Played(ForTurn::new(turn, *report)));
            }
        }
        let last = plan.reports.last().copied().unwrap_or_default();
        match plan.ending {
            Ending::HangUp => {
                self.tell(Input::CallerLeft);
            }
            Ending::Played => {
                let mut voiced = plan.voiced.min(self.pieces(turn));
                while self.conversation.turn() == turn && plan.voiced > 0 {
                    // The voice is given more as there is less left to play.
                    while voiced < self.pieces(turn) {
                        self.voice(turn, plan.sounds[0]);
                        voiced += 1;
                    }
                    played = self.sent_of(turn);
                    self.tell(Input::Played(ForTurn::new(turn, played)));
                }
            }
            Ending::VoiceFails => {
                self.tell(Input::Failed(ForTurn::new(turn, Fault::Voice)));
            }
            Ending::BargeIn | Ending::BargeInWithoutAnswer => {
                self.tell(Input::SpeechStarted);
                self.tell(Input::Paused(ForTurn::new(turn, last)));
                if self.conversation.turn() == turn {
                    played = played.max(last.min(self.sent_of(turn)));
                }
                self.tell(Input::Heard(certain("stop, that is not what I meant")));
                if matches!(plan.ending, Ending::BargeIn)
                    && self.conversation.phase() == Phase::Interrupted
                {
                    let more = last.saturating_add(plan.more);
                    self.tell(Input::Flushed(ForTurn::new(turn, more)));
                    played = played.max(more.min(self.sent_of(turn)));
                }
            }
        }
        // Whatever is still open ends by its timer, or with the call.
        for _ in 0..20 {
            if self.records.iter().all(|record| record.turn != turn) {
                self.wait();
            }
        }
        played
    }
}

fn certain(words: &str) -> Recognition {
    Recognition {
        text: words.to_owned(),
        is_final: true,
        ends_utterance: true,
        answers_finalize: true,
        likely_ended: false,
    }
}

/// A word of its own for each number, made of letters.
fn name(number: usize) -> String {
    let letter = |digit: usize| char::from(b'a' + (digit % 26) as u8);
    format!("w{}{}", letter(number / 26), letter(number))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The words of a piece that have sounded to their end, when every character sounds equally long.
fn whole_words(text: &str, played: u64, length: u64) -> Vec<&str> {
    let mut characters = 0;
    let ends = words(text).into_iter().map(|word| {
        characters += word.len() as u64;
        let end = characters;
        characters += 1;
        (word, end)
    });
    ends.take_while(|(_, end)| end * length <= played * text.len() as u64)
        .map(|(word, _)| word)
        .collect()
}

proptest! {
    #[test]
    fn invariant_8_the_transcript_holds_what_was_heard(plan in a_plan()) {
        let mut call = Call::start();
        let turn = call.ask("when are you open?");
        let played = call.answer(turn, &plan);
        let Some(record) = call.records.iter().find(|record| record.turn == turn).cloned() else {
            // A caller who speaks before her first sound takes the turn back: nothing was heard and nothing is kept of it.
            prop_assert_eq!(call.sent_of(turn), 0);
            return Ok(());
        };

        let said: Vec<String> = (0..plan.sentences.iter().sum()).map(name).collect();
        let kept = format!("{} {}", record.heard, record.unheard);
        let kept: Vec<&str> = words(&kept).iter().map(|word| word.trim_end_matches('.')).collect();
        prop_assert_eq!(kept, said, "every word is kept once, in order");

        let heard = words(&record.heard);
        let begins: Vec<_> = call.begins.iter().filter(|(of, ..)| *of == turn).collect();
        let mut known = 0;
        for (index, (_, text, from)) in begins.iter().enumerate() {
            let end = begins.get(index + 1).map_or(call.sounded, |(_, _, next)| *next);
            let expected = whole_words(text, played.saturating_sub(*from), end - from);
            let of_piece: Vec<&str> = words(text).into_iter().filter(|word| heard.contains(word)).collect();
            known += of_piece.len();
            prop_assert_eq!(of_piece, expected, "{:?} sounds from {} to {}, {} were played", text, from, end, played);
        }
        prop_assert_eq!(known, heard.len(), "a piece without sound was heard");

        if call.conversation.phase() != Phase::Ended {
            call.ask("and on Monday?");
            let prompt = call.prompts.last().expect("the model was asked");
            let hers: Vec<&str> = prompt.messages.iter().filter(|line| line.role == Role::Agent).map(|line| line.text.as_str()).collect();
            let kept: Vec<&str> = call.records.iter().map(|record| record.heard.as_str()).filter(|heard| !heard.is_empty()).collect();
            prop_assert_eq!(hers, kept, "the model is told what was heard");
        }
    }

    #[test]
    fn invariant_11_a_turn_is_stored_before_anybody_is_told_of_it(plan in a_plan()) {
        let mut call = Call::start();
        let turn = call.ask("when are you open?");
        call.answer(turn, &plan);
        call.tell(Input::CallerLeft);
        for record in &call.records {
            prop_assert!(call.told.iter().any(|(told, _)| *told == record.turn), "{:?} was never told of", record.turn);
        }
        for (told, stored) in &call.told {
            prop_assert!(stored, "{told:?} was told of before it was stored");
        }
        let mut stored: Vec<TurnId> = call.records.iter().map(|record| record.turn).collect();
        stored.dedup();
        prop_assert_eq!(stored.len(), call.records.len(), "a turn is stored once");
        if call.sent_of(turn) > 0 {
            prop_assert!(stored.contains(&turn), "she was heard and nothing was stored");
        }
    }
}
