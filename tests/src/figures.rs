//! Figures as tables show them: medians and tails, never a mean alone.

use std::io::Write as _;

use serde::Serialize;

/// Shows a measured figure in a test's output, where the harness would swallow what is printed.
pub fn show(figure: impl std::fmt::Display) {
    // Nobody to show it to is no reason to fail.
    let _ = writeln!(std::io::stderr(), "   {figure}");
}

/// One measured quantity, in milliseconds unless its name says otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub count: usize,
    pub p50: f64,
    pub p95: f64,
    pub max: f64,
}

impl Figure {
    /// Sums up what was measured. Panics never: nothing measured gives a count of zero.
    #[must_use]
    pub fn of(name: &str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values
                .get(rank.saturating_sub(1))
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            name: name.to_owned(),
            count: values.len(),
            p50: at(0.50),
            p95: at(0.95),
            max: at(1.0),
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:<58} n={:<4} p50 {:>7.1}  p95 {:>7.1}  max {:>7.1}",
            self.name, self.count, self.p50, self.p95, self.max
        )
    }
}
