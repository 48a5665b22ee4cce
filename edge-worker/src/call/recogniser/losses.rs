//! How often a recogniser may be lost, and which one comes after.

use std::time::Duration;

use crate::settings::{SttFamily, SttModel};

/// Losses in a row, without a word having been recognised between them, after which nobody can be heard.
const MOST: u8 = 3;

/// Losses after which another model is asked: it may be the model that is in trouble.
const BEFORE_ANOTHER_MODEL: u8 = 2;

/// How long a socket may take to open and to say its first word, which comes about a second after the first sound.
pub(super) const FIRST_NEWS: Duration = Duration::from_secs(2);

/// How long after the caller's last sound a recogniser that has told nothing of it is waited for. What comes then takes as long again.
pub(super) const HASTE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Losses(u8);

impl Losses {
    /// A socket was lost. One that opens and never says anything will not do so the next time either: it counts twice.
    pub(super) const fn add(&mut self, was_dumb: bool) {
        self.0 = self.0.saturating_add(if was_dumb { 2 } else { 1 });
    }

    pub(super) const fn forget(&mut self) {
        self.0 = 0;
    }

    pub(super) const fn are_too_many(&self) -> bool {
        self.0 >= MOST
    }

    /// Which model is asked next.
    pub(super) fn model(&self, first: &SttModel) -> SttModel {
        let spare = match first.family() {
            SttFamily::Nova if !first.as_str().starts_with("nova-3") => "nova-3",
            SttFamily::Nova => "nova-2",
            SttFamily::Flux => "nova-3",
        };
        SttModel::parse(spare)
            .filter(|_| self.0 >= BEFORE_ANOTHER_MODEL)
            .unwrap_or_else(|| first.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(losses: &[bool], first: &str) -> Option<String> {
        let mut counted = Losses::default();
        for was_dumb in losses {
            counted.add(*was_dumb);
        }
        let model = counted.model(&SttModel::parse(first).unwrap());
        (!counted.are_too_many()).then(|| model.as_str().to_owned())
    }

    #[test]
    fn the_same_then_another_then_nobody() {
        for (losses, model) in [
            (&[][..], Some("nova-2")),
            (&[false], Some("nova-2")),
            (&[false, false], Some("nova-3")),
            (&[false, false, false], None),
            // One that opens and says nothing.
            (&[true], Some("nova-3")),
            (&[true, false], None),
        ] {
            assert_eq!(after(losses, "nova-2").as_deref(), model, "{losses:?}");
        }
        for (first, spare) in [("nova-3", "nova-2"), ("flux-general-en", "nova-3")] {
            assert_eq!(after(&[true], first).as_deref(), Some(spare));
        }
    }

    #[test]
    fn a_word_makes_up_for_all() {
        let mut losses = Losses::default();
        losses.add(true);
        losses.forget();
        losses.add(false);
        losses.add(false);
        assert!(!losses.are_too_many());
    }
}
