//! The owner's table of states, to the letter: which move is legal.

use crate::wire::Phase;

impl Phase {
    /// Whether the table has an arrow from this state to `next`. Every state may end.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Idle => matches!(next, Self::Listening | Self::Ended),
            Self::Listening => matches!(next, Self::Processing | Self::Ended),
            Self::Processing => matches!(next, Self::Speaking | Self::Listening | Self::Ended),
            Self::Speaking => matches!(next, Self::Listening | Self::Interrupted | Self::Ended),
            Self::Interrupted => matches!(next, Self::Listening | Self::Ended),
            Self::Ended => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Phase; 6] = [
        Phase::Idle,
        Phase::Listening,
        Phase::Processing,
        Phase::Speaking,
        Phase::Interrupted,
        Phase::Ended,
    ];

    #[test]
    fn the_table_is_the_owners() {
        let moves: Vec<String> = ALL
            .iter()
            .flat_map(|from| ALL.iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.may_become(**to) && **to != Phase::Ended)
            .map(|(from, to)| format!("{from:?} → {to:?}"))
            .collect();
        assert_eq!(
            moves,
            [
                "Idle → Listening",
                "Listening → Processing",
                "Processing → Listening",
                "Processing → Speaking",
                "Speaking → Listening",
                "Speaking → Interrupted",
                "Interrupted → Listening",
            ]
        );
        assert!(
            ALL.iter()
                .all(|from| from.may_become(Phase::Ended) == (*from != Phase::Ended))
        );
    }
}
