//! How requests to a provider went, until somebody asks.

/// What succeeded and what did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) ok: u32,
    pub(super) failed: u32,
}

impl Tally {
    pub(super) const fn succeeded(&mut self) {
        self.ok = self.ok.saturating_add(1);
    }

    pub(super) const fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }
}
