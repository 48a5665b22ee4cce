//! The caller's network: lost and found again at a test's word, with the browser's own logic of when to try another line.

use std::time::Duration;

use tokio::sync::oneshot;
use voice_core::resumption::{Line, Step};
use voice_core::time::Timestamp;
use voice_core::wire::Outcome;

use super::Headset;
use crate::network::FarSocket;

/// How a network goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The socket breaks, and both sides are told.
    Cut,
    /// Nothing gets through, and nobody is told. What was said arrives late, if the network is back before either side has given it up.
    Freeze,
}

#[derive(Default)]
pub(super) struct Network {
    pub(super) line: Line,
    opening: Option<oneshot::Receiver<anyhow::Result<FarSocket>>>,
    /// Until then nothing gets through.
    away_until: Option<Timestamp>,
    /// Since when the call has had no line, and the stretches before, in milliseconds of the call.
    down_since: Option<f64>,
    down: Vec<(f64, f64)>,
}

impl Headset {
    /// Loses the network for so long.
    pub fn lose_network(&mut self, loss: Loss, span: Duration) {
        let now = self.now();
        self.network.away_until = Some(now + span);
        self.network.opening = None;
        self.note_down();
        match loss {
            Loss::Cut => {
                self.caller.lose_line();
                self.network.line.closed(now);
            }
            Loss::Freeze => self.caller.freeze_line(),
        }
    }

    /// When the call had no line, in milliseconds of the call.
    #[must_use]
    pub fn down(&self) -> Vec<(f64, f64)> {
        let open = self.network.down_since;
        let open = open.map(|since| (since, self.elapsed_ms()));
        self.network.down.iter().copied().chain(open).collect()
    }

    pub(super) fn note_down(&mut self) {
        let now = self.elapsed_ms();
        self.network.down_since.get_or_insert(now);
    }

    pub(super) fn note_up(&mut self) {
        if let Some(since) = self.network.down_since.take() {
            self.network.down.push((since, self.elapsed_ms()));
        }
    }

    /// The edge has the call again.
    pub(super) async fn go_on(&mut self, microphone: u32) -> anyhow::Result<()> {
        let now = self.now();
        if self.network.line.reconnected(now) {
            self.note_up();
            self.caller.catch_up(microphone, now).await?;
        }
        Ok(())
    }

    /// Does what the line needs.
    pub(super) async fn watch_line(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        if self.network.away_until.is_some_and(|until| until <= now) {
            self.network.away_until = None;
            if self.caller.is_frozen() {
                self.caller.thaw_line();
                self.note_up();
            }
        }
        self.take_opened(now).await?;
        loop {
            match self.network.line.poll(now) {
                Step::Abandon => {
                    self.network.opening = None;
                    self.caller.lose_line();
                }
                Step::Fail => {
                    self.outcome.get_or_insert(Outcome::HungUp);
                    return Ok(());
                }
                Step::Lose => {
                    self.note_down();
                    self.caller.lose_line();
                }
                Step::Open => self.open_line(now)?,
                Step::Wait => return Ok(()),
            }
        }
    }

    fn open_line(&mut self, now: Timestamp) -> anyhow::Result<()> {
        if self.network.away_until.is_some() {
            self.network.line.closed(now);
            return Ok(());
        }
        let opening = self.caller.reopening(&self.origin)?;
        let (opened, result) = oneshot::channel();
        tokio::spawn(async move {
            // Who wanted it may have given it up.
            let _ = opened.send(opening.await);
        });
        self.network.opening = Some(result);
        Ok(())
    }

    async fn take_opened(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let Some(opening) = &mut self.network.opening else {
            return Ok(());
        };
        match opening.try_recv() {
            Ok(Ok(socket)) => {
                self.network.opening = None;
                self.network.line.opened();
                self.caller.greet_again(socket).await
            }
            Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => {
                self.network.opening = None;
                self.network.line.closed(now);
                Ok(())
            }
            Err(oneshot::error::TryRecvError::Empty) => Ok(()),
        }
    }
}
