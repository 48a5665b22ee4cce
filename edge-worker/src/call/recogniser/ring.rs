//! The caller's last seconds, for a recogniser that takes the place of a lost one.

use std::collections::VecDeque;

/// Sound by its place in the call, counted in bytes.
#[derive(Debug)]
pub(super) struct Ring {
    sound: VecDeque<u8>,
    most: usize,
    /// The place behind the last byte.
    end: u64,
}

impl Ring {
    /// Keeps so many bytes.
    pub(super) const fn new(most: usize) -> Self {
        Self {
            sound: VecDeque::new(),
            most,
            end: 0,
        }
    }

    pub(super) fn push(&mut self, sound: &[u8]) {
        self.sound.extend(sound);
        let excess = self.sound.len().saturating_sub(self.most);
        self.sound.drain(..excess);
        self.end = self.end.saturating_add(sound.len() as u64);
    }

    /// The place of the first byte that is kept.
    pub(super) fn start(&self) -> u64 {
        self.end.saturating_sub(self.sound.len() as u64)
    }

    /// What is kept from this place on, and the place where that begins.
    pub(super) fn from(&self, place: u64) -> (u64, Vec<u8>) {
        let from = place.clamp(self.start(), self.end);
        let skipped = usize::try_from(from.saturating_sub(self.start())).unwrap_or(usize::MAX);
        (from, self.sound.iter().skip(skipped).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_kept_by_their_place() {
        let mut ring = Ring::new(4);
        assert_eq!((ring.start(), ring.from(0)), (0, (0, Vec::new())));
        ring.push(&[0, 1, 2]);
        assert_eq!(ring.from(1), (1, vec![1, 2]));
        ring.push(&[3, 4, 5]);
        assert_eq!(ring.start(), 2);
        assert_eq!(ring.from(0), (2, vec![2, 3, 4, 5]));
        assert_eq!(ring.from(5), (5, vec![5]));
        assert_eq!(ring.from(9), (6, Vec::new()));
    }
}
