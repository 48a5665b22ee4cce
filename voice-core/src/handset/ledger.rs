//! The account of her voice, turn by turn: what was accepted, and what became of every sample of it.
//!
//! For each turn, `played + discarded + queued = accepted`, always. Turns are queued in order, so the samples of the
//! turns up to a given one are always the oldest of the queue.

use std::collections::VecDeque;

use crate::turn::{TurnGate, TurnId};

/// What became of the voice of one turn, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub turn: TurnId,
    pub accepted: u64,
    pub played: u64,
    pub discarded: u64,
}

impl Account {
    /// Samples still waiting to be played.
    #[must_use]
    pub const fn queued(&self) -> u64 {
        self.accepted
            .saturating_sub(self.played.saturating_add(self.discarded))
    }
}

/// The same over the whole call, and what never came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub accepted: u64,
    pub played: u64,
    pub discarded: u64,
    pub queued: u64,
    /// Samples turned away: of a turn that is over or out of its order, or more than the queue holds.
    pub refused: u64,
    /// How often the queue ran dry inside a turn.
    pub underruns: u64,
}

#[derive(Debug)]
pub(super) struct Ledger {
    gate: TurnGate,
    /// In the order of their turns.
    accounts: VecDeque<Account>,
    totals: Totals,
    capacity: u64,
}

impl Ledger {
    pub(super) fn new(capacity: u64) -> Self {
        Self {
            gate: TurnGate::default(),
            accounts: VecDeque::with_capacity(TURNS),
            totals: Totals::default(),
            capacity,
        }
    }

    /// Books new voice, or refuses all of it.
    pub(super) fn accept(&mut self, turn: TurnId, samples: u64) -> bool {
        let accepted = self.admit(turn, samples);
        if accepted {
            self.totals.accepted = self.totals.accepted.saturating_add(samples);
            self.totals.queued = self.totals.queued.saturating_add(samples);
        } else {
            self.totals.refused = self.totals.refused.saturating_add(samples);
        }
        accepted
    }

    fn admit(&mut self, turn: TurnId, samples: u64) -> bool {
        let fits = self
            .totals
            .queued
            .checked_add(samples)
            .is_some_and(|sum| sum <= self.capacity);
        if !self.gate.admits(turn) || samples == 0 || !fits {
            return false;
        }
        let newest = self.accounts.back_mut();
        if let Some(newest) = newest {
            if turn < newest.turn {
                return false;
            }
            if turn == newest.turn {
                self.totals.underruns = self
                    .totals
                    .underruns
                    .saturating_add(u64::from(newest.queued() == 0));
                newest.accepted = newest.accepted.saturating_add(samples);
                return true;
            }
        }
        if self.accounts.len() >= TURNS {
            if self
                .accounts
                .front()
                .is_some_and(|oldest| oldest.queued() > 0)
            {
                return false;
            }
            self.accounts.pop_front();
        }
        self.accounts.push_back(Account {
            turn,
            accepted: samples,
            played: 0,
            discarded: 0,
        });
        true
    }

    /// Books up to `samples` of the oldest turn in the queue as played; the rest stays for the next call.
    pub(super) fn play(&mut self, samples: u64) -> Option<(Account, u64)> {
        let account = self
            .accounts
            .iter_mut()
            .find(|account| account.queued() > 0)?;
        let played = samples.min(account.queued());
        account.played = account.played.saturating_add(played);
        self.totals.played = self.totals.played.saturating_add(played);
        self.totals.queued = self.totals.queued.saturating_sub(played);
        Some((*account, played))
    }

    /// Ends `turn` and every turn before it, and passes each that still had voice to `each`. Returns the samples thrown away.
    pub(super) fn close(&mut self, turn: TurnId, mut each: impl FnMut(Account)) -> u64 {
        self.gate.close(turn);
        let mut discarded = 0_u64;
        for account in self
            .accounts
            .iter_mut()
            .take_while(|account| account.turn <= turn)
        {
            let queued = account.queued();
            if queued > 0 {
                account.discarded = account.discarded.saturating_add(queued);
                discarded = discarded.saturating_add(queued);
                each(*account);
            }
        }
        self.totals.discarded = self.totals.discarded.saturating_add(discarded);
        self.totals.queued = self.totals.queued.saturating_sub(discarded);
        discarded
    }

    /// The turn whose voice is next to be played.
    pub(super) fn front(&self) -> Option<Account> {
        self.accounts
            .iter()
            .find(|account| account.queued() > 0)
            .copied()
    }

    pub(super) fn account(&self, turn: TurnId) -> Option<Account> {
        self.accounts
            .iter()
            .find(|account| account.turn == turn)
            .copied()
    }

    /// Samples waiting of `turn` and the turns before it.
    pub(super) fn queued_through(&self, turn: TurnId) -> u64 {
        self.accounts
            .iter()
            .take_while(|account| account.turn <= turn)
            .map(Account::queued)
            .fold(0, u64::saturating_add)
    }

    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }
}

/// Turns remembered at once. The edge speaks one turn at a time and asks about the one it just cut, so two would do;
/// more turns than this in the queue at the same time are refused.
const TURNS: usize = 16;
