//! What is right or wrong with one call, by the truth about the caller's sound.

use serde::Serialize;
use voice_core::latency::TurnOutcome;
use voice_core::simulation::door::Door;
use voice_core::turn::TurnId;
use voice_core::wire::Phase;

use super::case::{Case, Class};
use super::track::Track;
use super::world::{Call, NETWORK};

/// One call, judged. Times are milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    #[serde(skip)]
    pub class: Class,
    #[serde(skip)]
    pub door: Door,
    pub digits: usize,
    /// She was heard before the caller had finished.
    pub cut_off: bool,
    /// The turn was taken as finished before it was, and given back before she was heard.
    pub taken_back: bool,
    /// Nothing was answered within three seconds of the caller's last sound.
    pub missed: bool,
    /// How many turns of hers were heard after what she said first.
    pub answers: usize,
    /// The caller's last sound, as it reaches the edge → the turn was taken as finished.
    pub wait: Option<u64>,
    /// The same as the turn's own report has it.
    pub reported_wait: Option<u64>,
    /// The caller's last sound → her first sound at the caller.
    pub voice_to_voice: Option<u64>,
    /// All she was going to say was heard.
    pub whole: bool,
    /// How long she was silent in between, if she was.
    pub held_up: Option<u64>,
    pub interrupted: bool,
    /// The caller's first sound → she is paused, both where that is decided: in the browser, and for a telephone at the edge.
    pub onset_to_pause: Option<u64>,
    /// The same from when the caller is as loud as a voice.
    pub loud_to_pause: Option<u64>,
    /// The caller's first sound → her last sound at the caller.
    pub onset_to_silence: Option<u64>,
    /// The caller's first sound → it is taken as an interruption.
    pub onset_to_cut: Option<u64>,
    /// The caller's first sound → the detector is sure of it, in its own time.
    pub detector_late: Option<u64>,
    /// The caller's last sound → the detector no longer takes it for speech.
    pub detector_holds: Option<u64>,
    pub speculative: u32,
    pub wasted: u32,
    pub asked: u32,
}

impl Verdict {
    pub(super) fn of(case: &Case, door: Door, track: &Track, call: &Call) -> Self {
        let hers = call.states.first().map_or(TurnId::NONE, |state| state.1);
        let later: Vec<(TurnId, u64, u64)> = call
            .heard
            .iter()
            .copied()
            .filter(|(turn, _, _)| *turn > hers)
            .collect();
        let cut_off =
            !case.class.is_over_her() && later.iter().any(|(_, from, _)| *from < track.end);
        let answer = later
            .iter()
            .find(|(_, _, to)| *to > track.end)
            .map(|(turn, from, _)| (*turn, *from));
        let committed = |before: u64| {
            let taken = call.states.iter().rev();
            taken
                .filter(|(at, turn, phase)| {
                    *phase == Phase::Processing && *turn > hers && *at <= before
                })
                .map(|(at, _, _)| *at)
                .next()
        };
        let early_commit = call.states.iter().any(|(at, turn, phase)| {
            *phase == Phase::Processing && *turn > hers && *at < track.end
        });
        let in_time = answer.filter(|(_, from)| *from >= track.end);
        let mut turns: Vec<TurnId> = later.iter().map(|(turn, _, _)| *turn).collect();
        turns.dedup();
        let record = call.records.iter().find(|record| record.turn == hers);
        let interruption = call
            .states
            .iter()
            .find(|(_, turn, phase)| *phase == Phase::Interrupted && *turn == hers);
        let since_onset = |at: u64| at.checked_sub(track.onset);
        let way = match door {
            Door::Browser => 0,
            Door::Telephone => NETWORK,
        };
        let pause = call.paused.iter().copied().find_map(since_onset);
        let pause = pause.map(|after| after.saturating_sub(way));
        let own: Vec<_> = call
            .heard
            .iter()
            .filter(|(turn, _, _)| *turn == hers)
            .collect();
        let gaps: u64 = own
            .windows(2)
            .map(|pair| pair[1].1.saturating_sub(pair[0].2))
            .sum();
        Self {
            class: case.class,
            door,
            digits: case.digits(),
            cut_off,
            taken_back: early_commit && !cut_off && !case.class.is_over_her(),
            missed: answer.is_none_or(|(_, from)| from > track.end + PATIENCE),
            answers: turns.len(),
            wait: in_time
                .and_then(|(_, from)| committed(from))
                .and_then(|at| at.checked_sub(track.end + NETWORK)),
            reported_wait: in_time.and_then(|(turn, _)| {
                let record = call.records.iter().find(|record| record.turn == turn);
                record?.report.endpointing_ms.map(u64::from)
            }),
            voice_to_voice: in_time.map(|(_, from)| from - track.end),
            whole: record.is_some_and(|record| {
                record.report.outcome == TurnOutcome::Completed && record.unheard.is_empty()
            }),
            held_up: (gaps > 0).then_some(gaps),
            interrupted: interruption.is_some(),
            onset_to_pause: pause,
            loud_to_pause: pause.map(|after| (after + track.onset).saturating_sub(track.loud)),
            onset_to_silence: interruption
                .and_then(|_| own.last())
                .and_then(|(_, _, to)| since_onset(*to)),
            onset_to_cut: interruption.and_then(|(at, _, _)| since_onset(*at)),
            detector_late: track.first_sure().and_then(since_onset),
            detector_holds: track.last_speech().and_then(|at| at.checked_sub(track.end)),
            speculative: call
                .records
                .iter()
                .map(|record| record.report.speculative_requests)
                .sum(),
            wasted: call
                .records
                .iter()
                .map(|record| record.report.speculative_wasted)
                .sum(),
            asked: call.asked,
        }
    }

    /// What is wrong, in a word.
    #[must_use]
    pub const fn failure(&self) -> Option<&'static str> {
        match self.class {
            Class::Backchannel | Class::Noise if !self.whole => Some("a false stop"),
            Class::Backchannel | Class::Noise if self.answers > 0 => Some("an answer to nothing"),
            Class::Backchannel | Class::Noise => None,
            Class::Interruption if !self.interrupted => Some("an interruption ignored"),
            _ if self.cut_off => Some("cut off"),
            _ if self.missed => Some("not answered"),
            _ if self.answers != 1 => Some("not answered once"),
            _ => None,
        }
    }
}

/// Who has had no answer by then asks whether anybody is there.
const PATIENCE: u64 = 3_000;
