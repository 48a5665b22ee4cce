//! The figures of many calls, side by side for each setting.

use std::fmt::Write as _;

use serde::Serialize;
use voice_core::simulation::door::Door;

use super::case::Class;
use super::runner::{Run, door_name};
use super::setting::Setting;
use super::verdict::Verdict;

/// One figure of every setting.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: String,
    /// What is aimed at, where there is an aim.
    pub aim: Option<&'static str>,
    /// One for each setting, in their order. Nothing where nothing was measured.
    pub values: Vec<Option<f64>>,
    #[serde(skip)]
    unit: Unit,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Count,
    Millis,
    Percent,
    Ratio,
}

/// The figures of some calls under some settings.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    pub settings: Vec<&'static str>,
    /// Cases, each heard at every door.
    pub cases: usize,
    pub rows: Vec<Row>,
}

impl Table {
    #[must_use]
    pub fn of(runs: &[Run], settings: &[Setting]) -> Self {
        let of_setting = |setting: Setting| -> Vec<&Verdict> {
            let own = runs.iter().filter(|run| run.setting == setting);
            own.map(|run| &run.verdict).collect()
        };
        let mut cases: Vec<usize> = runs.iter().map(|run| run.case.number).collect();
        cases.dedup();
        let mut builder = Builder {
            verdicts: settings
                .iter()
                .map(|setting| of_setting(*setting))
                .collect(),
            rows: Vec::new(),
        };
        builder.the_callers_turn();
        builder.waits();
        builder.over_her();
        builder.detector();
        builder.cost();
        Self {
            settings: settings.iter().map(|setting| setting.name()).collect(),
            cases: cases.len(),
            rows: builder.rows,
        }
    }

    /// As a person reads it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{:<64}", format!("{} cases", self.cases));
        // Writing to a string cannot fail.
        for setting in &self.settings {
            let _ = write!(text, "{setting:>10}");
        }
        text.push_str("   aim\n");
        for row in &self.rows {
            let _ = write!(text, "{:<64}", row.name);
            for value in &row.values {
                let _ = write!(text, "{:>10}", row.unit.show(*value));
            }
            let _ = writeln!(text, "   {}", row.aim.unwrap_or_default());
        }
        text
    }
}

impl Unit {
    fn show(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "–".to_owned(),
            (Self::Count | Self::Millis, Some(value)) => format!("{value:.0}"),
            (Self::Percent, Some(value)) => format!("{value:.1}%"),
            (Self::Ratio, Some(value)) => format!("{value:.2}"),
        }
    }
}

/// Of the verdicts of one setting.
struct Builder<'a> {
    verdicts: Vec<Vec<&'a Verdict>>,
    rows: Vec<Row>,
}

impl Builder<'_> {
    fn the_callers_turn(&mut self) {
        let turn = |verdict: &Verdict| !verdict.class.is_over_her();
        self.share(
            "false cut-offs, all caller's turns",
            Some("≤ 5%"),
            turn,
            |v| v.cut_off,
        );
        for class in Class::ALL {
            if class.is_over_her() {
                continue;
            }
            let name = format!("  {}", class.name());
            self.share(&name, None, |v| v.class == class, |v| v.cut_off);
        }
        self.count("  ten-digit numbers cut", Some("0"), |v| {
            v.class == Class::Dictated && v.digits == 10 && v.cut_off
        });
        self.share(
            "taken as finished, given back before a sound",
            None,
            turn,
            |v| v.taken_back,
        );
        self.share("missed ends (no answer in 3 s)", Some("0"), turn, |v| {
            v.missed
        });
        self.share("answered exactly once", Some("100%"), turn, |v| {
            v.answers == 1
        });
    }

    fn waits(&mut self) {
        let finished = |v: &Verdict| v.class == Class::Finished;
        for (name, share, aim) in [("median", 0.5, Some("≤ 300")), ("p95", 0.95, None)] {
            self.millis(
                &format!("end-of-turn wait, finished sentences, {name}"),
                aim,
                share,
                |v| finished(v).then_some(v.wait).flatten(),
            );
            self.millis(
                &format!("  as the turn's report has it, {name}"),
                aim,
                share,
                |v| finished(v).then_some(v.reported_wait).flatten(),
            );
        }
        for door in Door::ALL {
            for (name, share, aim) in [("p50", 0.5, Some("≤ 350")), ("p95", 0.95, Some("≤ 500"))]
            {
                self.millis(
                    &format!(
                        "voice to voice, finished sentences, {}, {name}",
                        door_name(door)
                    ),
                    aim,
                    share,
                    |v| {
                        (finished(v) && v.door == door)
                            .then_some(v.voice_to_voice)
                            .flatten()
                    },
                );
            }
        }
        for (name, share) in [("p50", 0.5), ("p95", 0.95)] {
            self.millis(
                &format!("voice to voice, all turns, {name}"),
                None,
                share,
                |v| {
                    (!v.class.is_over_her())
                        .then_some(v.voice_to_voice)
                        .flatten()
                },
            );
        }
    }

    fn over_her(&mut self) {
        let listener = |v: &Verdict| matches!(v.class, Class::Backchannel | Class::Noise);
        self.share(
            "backchannels and noises that left her whole",
            Some("≥ 95%"),
            listener,
            |v| v.whole,
        );
        for class in [Class::Backchannel, Class::Noise] {
            let name = class.name();
            let own = move |v: &Verdict| v.class == class;
            self.share(&format!("  {name}: left her whole"), None, own, |v| v.whole);
            self.share(&format!("  {name}: made her pause"), None, own, |v| {
                v.held_up.is_some()
            });
            self.millis(&format!("  {name}: for how long, p50"), None, 0.5, |v| {
                own(v).then_some(v.held_up).flatten()
            });
            self.millis(&format!("  {name}: for how long, p95"), None, 0.95, |v| {
                own(v).then_some(v.held_up).flatten()
            });
            self.share(&format!("  {name}: answered"), Some("0"), own, |v| {
                v.answers > 0
            });
        }
        let interruption = |v: &Verdict| v.class == Class::Interruption;
        self.share("interruptions honoured", Some("100%"), interruption, |v| {
            v.interrupted
        });
        self.share("  and answered", Some("100%"), interruption, |v| !v.missed);
        for door in Door::ALL {
            for (name, share, aim) in [("p50", 0.5, None), ("p95", 0.95, Some("≤ 120"))] {
                self.millis(
                    &format!("onset → pause, {}, {name}", door_name(door)),
                    aim,
                    share,
                    |v| {
                        (interruption(v) && v.door == door)
                            .then_some(v.onset_to_pause)
                            .flatten()
                    },
                );
            }
        }
        for door in Door::ALL {
            self.millis(
                &format!("  from the first loud sound, {}, p95", door_name(door)),
                None,
                0.95,
                |v| {
                    (interruption(v) && v.door == door)
                        .then_some(v.loud_to_pause)
                        .flatten()
                },
            );
        }
        for (name, share) in [("p50", 0.5), ("p95", 0.95)] {
            self.millis(
                &format!("onset → silence at the caller, {name}"),
                None,
                share,
                |v| interruption(v).then_some(v.onset_to_silence).flatten(),
            );
        }
        for (name, share) in [("p50", 0.5), ("p95", 0.95)] {
            self.millis(&format!("onset → cut, {name}"), None, share, |v| {
                interruption(v).then_some(v.onset_to_cut).flatten()
            });
        }
    }

    /// What the detector contributes to every figure above.
    fn detector(&mut self) {
        let alone = |v: &Verdict| matches!(v.class, Class::Finished | Class::Interruption);
        for door in Door::ALL {
            for (name, share) in [("p50", 0.5), ("p95", 0.95)] {
                self.millis(
                    &format!("detector: onset → sure of it, {}, {name}", door_name(door)),
                    None,
                    share,
                    |v| {
                        (alone(v) && v.door == door)
                            .then_some(v.detector_late)
                            .flatten()
                    },
                );
                self.millis(
                    &format!(
                        "detector: last sound → lets go, {}, {name}",
                        door_name(door)
                    ),
                    None,
                    share,
                    |v| {
                        (alone(v) && v.door == door)
                            .then_some(v.detector_holds)
                            .flatten()
                    },
                );
            }
        }
    }

    fn cost(&mut self) {
        let turn = |v: &&&Verdict| !v.class.is_over_her();
        self.each(
            "requests to the model for each caller's turn",
            Unit::Ratio,
            |verdicts| {
                let turns = verdicts.iter().filter(turn);
                let asked: Vec<f64> = turns.map(|v| f64::from(v.asked)).collect();
                mean(&asked)
            },
        );
        self.each(
            "speculative requests for each caller's turn",
            Unit::Ratio,
            |verdicts| {
                let turns = verdicts.iter().filter(turn);
                let made: Vec<f64> = turns.map(|v| f64::from(v.speculative)).collect();
                mean(&made)
            },
        );
        self.each("  thrown away", Unit::Percent, |verdicts| {
            let sum = |count: fn(&Verdict) -> u32| -> f64 {
                verdicts
                    .iter()
                    .filter(turn)
                    .map(|v| f64::from(count(v)))
                    .sum()
            };
            let made = sum(|v| v.speculative);
            (made > 0.0).then(|| 100.0 * sum(|v| v.wasted) / made)
        });
    }

    fn share(
        &mut self,
        name: &str,
        aim: Option<&'static str>,
        among: impl Fn(&Verdict) -> bool,
        which: impl Fn(&Verdict) -> bool,
    ) {
        self.each(name, Unit::Percent, |verdicts| {
            let marks: Vec<f64> = verdicts
                .iter()
                .filter(|v| among(v))
                .map(|v| if which(v) { 100.0 } else { 0.0 })
                .collect();
            mean(&marks)
        });
        self.aim(aim);
    }

    fn count(&mut self, name: &str, aim: Option<&'static str>, which: impl Fn(&Verdict) -> bool) {
        self.each(name, Unit::Count, |verdicts| {
            Some(verdicts.iter().filter(|v| which(v)).count() as f64)
        });
        self.aim(aim);
    }

    fn millis(
        &mut self,
        name: &str,
        aim: Option<&'static str>,
        share: f64,
        value: impl Fn(&Verdict) -> Option<u64>,
    ) {
        self.each(name, Unit::Millis, |verdicts| {
            let mut values: Vec<u64> = verdicts.iter().filter_map(|v| value(v)).collect();
            values.sort_unstable();
            let rank = (share * values.len() as f64).ceil() as usize;
            values
                .get(rank.saturating_sub(1))
                .map(|value| *value as f64)
        });
        self.aim(aim);
    }

    fn each(&mut self, name: &str, unit: Unit, figure: impl Fn(&[&Verdict]) -> Option<f64>) {
        let values = self.verdicts.iter().map(|verdicts| figure(verdicts));
        self.rows.push(Row {
            name: name.to_owned(),
            aim: None,
            values: values.collect(),
            unit,
        });
    }

    /// Of the last row.
    fn aim(&mut self, aim: Option<&'static str>) {
        if let Some(row) = self.rows.last_mut() {
            row.aim = aim;
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
