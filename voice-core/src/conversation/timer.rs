//! Every deadline of a call, in one table.

use std::time::Duration;

use crate::time::Timestamp;

/// What can become overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The line to the caller is lost, and they have not come back.
    Away,
    /// The call's ceiling.
    CallLength,
    /// Interrupted: the handset has not said what it flushed.
    Drain,
    /// Listening: the caller seems to have finished, and this is when we take it so.
    Endpoint,
    /// Speaking and paused, or about to speak: nothing has confirmed that the caller wants the floor.
    FalseInterruption,
    /// Processing: the answer takes its time.
    Filler,
    /// Processing: a piece was given to the voice and no sound has come.
    FirstAudio,
    /// Processing, or Speaking while she fills a wait: the model was asked and no word has come.
    FirstToken,
    /// Listening: keys were pressed, and no other has followed.
    Keypad,
    /// Processing, or Speaking with nothing left to play: the caller has heard nothing for long.
    Patience,
    /// Speaking: neither sound from the voice nor progress from the handset.
    Playback,
    /// Listening: the caller spoke while the line was lost, and no word of it has come.
    Regain,
    /// Listening: nobody speaks.
    Silence,
}

impl Timer {
    const ALL: [Self; 13] = [
        Self::Away,
        Self::CallLength,
        Self::Drain,
        Self::Endpoint,
        Self::FalseInterruption,
        Self::Filler,
        Self::FirstAudio,
        Self::FirstToken,
        Self::Keypad,
        Self::Patience,
        Self::Playback,
        Self::Regain,
        Self::Silence,
    ];

    /// Whether it waits for something that only a caller who is there can do or hear.
    pub(super) const fn needs_the_caller(self) -> bool {
        matches!(
            self,
            Self::Patience | Self::Playback | Self::Regain | Self::Silence
        )
    }
}

/// When each timer is due, if it is running.
#[derive(Clone, Debug, Default)]
pub(super) struct TimerTable {
    due: [Option<Timestamp>; Timer::ALL.len()],
}

impl TimerTable {
    pub(super) fn set(&mut self, timer: Timer, now: Timestamp, after: Duration) {
        if let Some(slot) = self.due.get_mut(timer as usize) {
            *slot = Some(now + after);
        }
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        if let Some(slot) = self.due.get_mut(timer as usize) {
            *slot = None;
        }
    }

    /// Stops all that belong to a state; the call's ceiling and its line belong to the call.
    pub(super) fn stop_all_of_the_state(&mut self) {
        for timer in Timer::ALL {
            if !matches!(timer, Timer::Away | Timer::CallLength) {
                self.stop(timer);
            }
        }
    }

    pub(super) fn runs(&self, timer: Timer) -> bool {
        self.due.get(timer as usize).copied().flatten().is_some()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.iter().flatten().min().copied()
    }

    /// Stops and returns one timer that is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let timer = Timer::ALL.into_iter().find(|timer| {
            self.due
                .get(*timer as usize)
                .copied()
                .flatten()
                .is_some_and(|at| at <= now)
        })?;
        self.stop(timer);
        Some(timer)
    }
}
