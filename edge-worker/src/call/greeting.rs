//! Greetings already spoken, so that the next call is greeted while its sockets are still opening.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// How many are kept for all calls of this isolate. A greeting is 100–300 KB of sound; an isolate has 128 MB.
const KEPT: usize = 16;

/// What makes two greetings the same sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) voice: String,
    pub(super) format: &'static str,
    pub(super) text: String,
}

thread_local! {
    static SPOKEN: RefCell<VecDeque<(Key, Rc<[u8]>)>> = const { RefCell::new(VecDeque::new()) };
}

pub(super) fn find(key: &Key) -> Option<Rc<[u8]>> {
    SPOKEN.with_borrow(|spoken| {
        spoken
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, sound)| sound.clone())
    })
}

pub(super) fn keep(key: Key, sound: &[u8]) {
    SPOKEN.with_borrow_mut(|spoken| {
        spoken.retain(|(known, _)| *known != key);
        spoken.push_back((key, sound.into()));
        if spoken.len() > KEPT {
            spoken.pop_front();
        }
    });
}
