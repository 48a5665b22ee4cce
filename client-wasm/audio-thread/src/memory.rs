//! The allocator of the audio thread: it gives and never takes back.
//!
//! The engine takes all its memory in `start` and none afterwards, so there is nothing to take back; and what a
//! general allocator costs in download would be a twentieth of this module. Memory that is asked for later all the
//! same, by a mistake, is still given, until the limit below.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

struct Bump {
    /// The first free byte, and the first byte that is not ours.
    free: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: an AudioWorklet's wasm instance has one thread and its memory is not shared.
unsafe impl Sync for Bump {}

#[global_allocator]
static MEMORY: Bump = Bump {
    free: Cell::new(0),
    end: Cell::new(0),
};

// SAFETY: every address is given once, from pages that `memory.grow` has just added and nobody else knows, and as many
// bytes as asked for lie before `end`.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(start) = self.free.get().checked_next_multiple_of(layout.align()) else {
            return ptr::null_mut();
        };
        let Some(free) = start.checked_add(layout.size()) else {
            return ptr::null_mut();
        };
        if free <= self.end.get() && start > 0 {
            self.free.set(free);
            return ptr::with_exposed_provenance_mut(start);
        }
        self.grow(layout)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

impl Bump {
    /// Begins anew in fresh pages; what was left of the old ones is less than was asked for.
    fn grow(&self, layout: Layout) -> *mut u8 {
        let pages = layout.size().div_ceil(PAGE);
        let before = core::arch::wasm32::memory_grow::<0>(pages);
        if before == usize::MAX || before.saturating_add(pages) > PAGES {
            return ptr::null_mut();
        }
        let start = before.saturating_mul(PAGE);
        self.free.set(start.saturating_add(layout.size()));
        self.end
            .set(before.saturating_add(pages).saturating_mul(PAGE));
        ptr::with_exposed_provenance_mut(start)
    }
}

/// WebAssembly's page.
const PAGE: usize = 65_536;

/// 16 MB, eight times what the engine takes: more is a leak, and ends the call rather than the visitor's tab.
const PAGES: usize = 256;
