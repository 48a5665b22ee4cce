//! What an answer costs.

use std::cell::Cell;
use std::rc::Rc;

use crate::providers::Usage;

/// What an answer has cost. The vendor tells it at the end; an answer that is withdrawn before is reckoned by its length.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Rc<Cell<Usage>>);

/// English on the usual tokenisers.
const BYTES_PER_TOKEN: usize = 4;

impl Meter {
    pub(super) fn read(&self) -> Usage {
        self.0.get()
    }

    pub(super) fn set(&self, usage: Usage) {
        self.0.set(usage);
    }

    /// A request of this length is made.
    pub(super) fn ask(&self, bytes: usize) {
        let tokens = u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX);
        let Usage {
            tokens_in,
            tokens_out,
        } = self.read();
        self.set(Usage {
            tokens_in: tokens_in.saturating_add(tokens),
            tokens_out,
        });
    }

    /// Another word has come.
    pub(super) fn hear(&self) {
        let usage = self.read();
        self.set(Usage {
            tokens_out: usage.tokens_out.saturating_add(1),
            ..usage
        });
    }

    /// The vendor has told, of what was asked since `before`.
    pub(super) fn settle(&self, before: Usage, told: Usage) {
        if told != Usage::default() {
            self.set(Usage {
                tokens_in: before.tokens_in.saturating_add(told.tokens_in),
                tokens_out: before.tokens_out.saturating_add(told.tokens_out),
            });
        }
    }
}
