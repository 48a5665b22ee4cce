//! What she says when a provider has failed is made before one does: an apology that needs the voice comes too late, or never.
//!
//! It is done by requests beside the call, once in an isolate, and given up with the call or at the first trouble.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortHandle, abortable};
use worker::{AbortController, AbortSignal, Delay};

use super::rest::{Asked, fetch_speech};
use super::shape::Shape;
use crate::call::phrases::{self, Key, Recording};
use crate::clock::within;
use crate::providers::AudioFormat;

/// Nothing of this is done while the greeting is being made.
const BEGINS_AFTER: Duration = Duration::from_millis(1_500);

/// How long one line may take; the voice makes sound faster than it plays.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lines being made for a call. Dropping it gives up.
pub(super) struct Learning {
    task: AbortHandle,
    fetch: Rc<RefCell<Option<AbortController>>>,
    characters: Rc<Cell<u64>>,
}

impl Learning {
    /// Has these lines made, each by its request.
    pub(super) fn start(format: AudioFormat, lines: Vec<(Key, Asked)>) -> Self {
        let controller = AbortController::default();
        let signal = controller.signal();
        let fetch = Rc::new(RefCell::new(Some(controller)));
        let characters = Rc::<Cell<u64>>::default();
        let (abort, charged) = (Rc::clone(&fetch), Rc::clone(&characters));
        let (work, task) = abortable(async move {
            Delay::from(BEGINS_AFTER).await;
            for (line, asked) in lines {
                let Some(line) = Claim::to(line) else {
                    continue;
                };
                charged.set(charged.get().saturating_add(line.length()));
                if within(PATIENCE, line.make(asked, format, &signal)).await != Some(true) {
                    give_up(&abort);
                    return;
                }
            }
        });
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the call is over.
            let _ = work.await;
        });
        Self {
            task,
            fetch,
            characters,
        }
    }

    /// Characters that the vendor was given for it.
    pub(super) fn characters(&self) -> u64 {
        self.characters.get()
    }
}

impl Drop for Learning {
    fn drop(&mut self) {
        self.task.abort();
        give_up(&self.fetch);
    }
}

fn give_up(fetch: &RefCell<Option<AbortController>>) {
    if let Some(fetch) = fetch.borrow_mut().take() {
        fetch.abort();
    }
}

thread_local! {
    /// Lines that some call of this isolate is having made.
    static CLAIMED: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// The right to have a line made, of which there is one at a time.
struct Claim(Key);

impl Claim {
    /// None: it is known, or somebody is at it.
    fn to(line: Key) -> Option<Self> {
        let is_free = phrases::find(&line).is_none()
            && CLAIMED.with_borrow_mut(|claimed| {
                let is_free = !claimed.contains(&line);
                if is_free {
                    claimed.push(line.clone());
                }
                is_free
            });
        is_free.then_some(Self(line))
    }

    fn length(&self) -> u64 {
        u64::try_from(self.0.text.chars().count()).unwrap_or(u64::MAX)
    }

    /// Whether it was made.
    async fn make(&self, asked: Asked, format: AudioFormat, signal: &AbortSignal) -> bool {
        let recording = RefCell::new(Recording::new(self.0.clone()));
        let made = fetch_speech(asked, format, signal, |sound| {
            recording.borrow_mut().hear(&sound);
        });
        let is_made = made.await.is_ok();
        if is_made {
            recording
                .into_inner()
                .keep(|sound| Shape::new(format).phrase(sound));
        }
        is_made
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        CLAIMED.with_borrow_mut(|claimed| claimed.retain(|line| *line != self.0));
    }
}
