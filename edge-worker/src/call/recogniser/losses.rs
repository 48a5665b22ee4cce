//! How often a recogniser may be lost, and which one comes after.

use std::time::Duration;

use crate::settings::{SttFamily, SttModel};

/// Losses in a row, without a word having been recognised between them, after which the provider is given up. Without another, nobody can be
/// heard then.
const MOST: u8 = 3;

/// Losses after which another model is asked: it may be the model that is in trouble.
const BEFORE_ANOTHER_MODEL: u8 = 2;

/// How long a socket may take to open and to say its first word, which comes about a second after the first sound.
pub(super) const FIRST_NEWS: Duration = Duration::from_secs(2);

/// How long after the caller's last sound a recogniser that has told nothing of it is waited for. What comes then takes as long again.
pub(super) const HASTE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Losses {
    counted: u8,
    /// The binding was asked too.
    at_binding: bool,
    /// Sockets lost that nobody was told of as failures.
    untold: u32,
}

/// Who is asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Model(SttModel),
    /// Another provider, the runtime itself.
    Binding,
}

impl Losses {
    /// A socket was lost. One that opens and never says anything will not do so the next time either: it counts twice. Gives who is
    /// asked next, if anybody.
    pub(super) fn add(
        &mut self,
        was_dumb: bool,
        first: &SttModel,
        has_binding: bool,
    ) -> Option<Next> {
        self.counted = self.counted.saturating_add(if was_dumb { 2 } else { 1 });
        self.untold = self.untold.saturating_add(1);
        if self.counted < MOST {
            return Some(Next::Model(self.model(first)));
        }
        let is_next = has_binding && !std::mem::replace(&mut self.at_binding, true);
        is_next.then_some(Next::Binding)
    }

    /// Something was recognised.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// How many failures there were since this was asked.
    pub(super) const fn take_failures(&mut self) -> u32 {
        std::mem::replace(&mut self.untold, 0)
    }

    fn model(&self, first: &SttModel) -> SttModel {
        let spare = match first.family() {
            SttFamily::Nova if !first.as_str().starts_with("nova-3") => "nova-3",
            SttFamily::Nova => "nova-2",
            SttFamily::Flux => "nova-3",
        };
        SttModel::parse(spare)
            .filter(|_| self.counted >= BEFORE_ANOTHER_MODEL)
            .unwrap_or_else(|| first.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is asked after these losses.
    fn after(losses: &[bool], first: &str, has_binding: bool) -> Option<String> {
        let first = SttModel::parse(first).unwrap();
        let mut counted = Losses::default();
        let mut next = Some(Next::Model(first.clone()));
        for was_dumb in losses {
            next = counted.add(*was_dumb, &first, has_binding);
        }
        next.map(|next| match next {
            Next::Model(model) => model.as_str().to_owned(),
            Next::Binding => "binding".to_owned(),
        })
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
            assert_eq!(
                after(losses, "nova-2", false).as_deref(),
                model,
                "{losses:?}"
            );
        }
        for (first, spare) in [("nova-3", "nova-2"), ("flux-general-en", "nova-3")] {
            assert_eq!(after(&[true], first, false).as_deref(), Some(spare));
        }
    }

    #[test]
    fn another_provider_is_the_last_and_asked_once() {
        for (losses, next) in [
            (&[false, false][..], Some("nova-3")),
            (&[false, false, false], Some("binding")),
            (&[true, false], Some("binding")),
            (&[true, true], Some("binding")),
            (&[true, true, false], None),
        ] {
            assert_eq!(after(losses, "nova-2", true).as_deref(), next, "{losses:?}");
        }
    }

    #[test]
    fn a_word_makes_up_for_all() {
        let first = SttModel::parse("nova-2").unwrap();
        let mut losses = Losses::default();
        losses.add(true, &first, true);
        assert_eq!(losses.add(true, &first, true), Some(Next::Binding));
        losses.forget();
        assert_eq!(losses.take_failures(), 0);
        losses.add(false, &first, true);
        assert!(losses.add(false, &first, true).is_some());
        assert_eq!((losses.take_failures(), losses.take_failures()), (2, 0));
    }
}
