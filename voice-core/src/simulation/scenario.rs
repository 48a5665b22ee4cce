//! The little language of `tests/scenarios`: what the model answers, then what the caller does and when.
//!
//! ```text
//! # A comment.
//! model "An answer."         the answers in order; `model fails` for none
//! 0.0  call                  the call begins
//! 6.0  say 1.2 "Words."      from 6.0 s on, the caller says this for 1.2 s
//! 9.0  noise 0.4             a sound without words
//! 12.5 press "123#"          keys of the telephone, one each 0.2 s
//! 20.0 hang up               the caller ends the call
//! ```
//!
//! Times count from the beginning of the script and do not go back. Nothing follows `hang up`.

/// One call as written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// What the model answers; `None` where it fails.
    pub answers: Vec<Option<String>>,
    /// What the caller does, at which millisecond.
    pub actions: Vec<(u64, Action)>,
}

/// Something the caller does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Call,
    HangUp,
    /// A sound without words.
    Noise {
        millis: u64,
    },
    /// Keys of the telephone, one each [`KEY_MILLIS`].
    Press {
        digits: String,
    },
    Say {
        millis: u64,
        words: String,
    },
}

/// How long each key of a [`Action::Press`] takes: a fast thumb.
pub const KEY_MILLIS: u64 = 200;

/// A line that is not of the language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ScenarioError {
    /// Counted from one.
    pub line: usize,
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("neither `model` nor a moment and an action")]
    Line,
    #[error("not a number of seconds")]
    Seconds,
    #[error("words stand between double quotes")]
    Words,
    #[error("not an action")]
    Action,
    #[error("only 0 to 9, * and # can be pressed")]
    Key,
    #[error("earlier than the line before it")]
    Order,
}

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario = Self::default();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if !text.is_empty() && !text.starts_with('#') {
                scenario
                    .take(text)
                    .map_err(|fault| ScenarioError { line, fault })?;
            }
        }
        Ok(scenario)
    }

    fn take(&mut self, line: &str) -> Result<(), Fault> {
        let (first, rest) = line.split_once(char::is_whitespace).ok_or(Fault::Line)?;
        let rest = rest.trim();
        if first == "model" {
            let answer = (rest != "fails").then(|| quoted(rest)).transpose()?;
            self.answers.push(answer);
            return Ok(());
        }
        let at = millis(first)?;
        if let Some((before, last)) = self.actions.last()
            && (*before > at || *last == Action::HangUp)
        {
            return Err(Fault::Order);
        }
        self.actions.push((at, Action::parse(rest)?));
        Ok(())
    }
}

impl Action {
    fn parse(text: &str) -> Result<Self, Fault> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        match (verb, rest) {
            ("call", "") => Ok(Self::Call),
            ("hang", "up") => Ok(Self::HangUp),
            ("noise", length) => Ok(Self::Noise {
                millis: millis(length)?,
            }),
            ("press", keys) => {
                let digits = quoted(keys)?;
                let known = |key: char| key.is_ascii_digit() || matches!(key, '*' | '#');
                if digits.is_empty() || !digits.chars().all(known) {
                    return Err(Fault::Key);
                }
                Ok(Self::Press { digits })
            }
            ("say", rest) => {
                let (length, words) = rest.split_once(' ').ok_or(Fault::Words)?;
                Ok(Self::Say {
                    millis: millis(length)?,
                    words: quoted(words.trim())?,
                })
            }
            _ => Err(Fault::Action),
        }
    }
}

fn quoted(text: &str) -> Result<String, Fault> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.map(str::to_owned).ok_or(Fault::Words)
}

/// Seconds with at most a day of them, as milliseconds.
fn millis(seconds: &str) -> Result<u64, Fault> {
    let seconds: f64 = seconds.parse().map_err(|_| Fault::Seconds)?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err(Fault::Seconds);
    }
    Ok((seconds * 1_000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let text = "# A call.\nmodel \"Yes, \"that\" one.\"\nmodel fails\n\n0.0 call\n1.25  say 1.0 \"Two words.\"\n3 noise 0.4\n4 press \"12*#\"\n5 hang up\n";
        let scenario = Scenario::parse(text).expect("a scenario");
        assert_eq!(
            scenario,
            Scenario {
                answers: vec![Some("Yes, \"that\" one.".to_owned()), None],
                actions: vec![
                    (0, Action::Call),
                    (
                        1_250,
                        Action::Say {
                            millis: 1_000,
                            words: "Two words.".to_owned()
                        }
                    ),
                    (3_000, Action::Noise { millis: 400 }),
                    (
                        4_000,
                        Action::Press {
                            digits: "12*#".to_owned()
                        }
                    ),
                    (5_000, Action::HangUp),
                ],
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (line, fault) in [
            ("call", Fault::Line),
            ("soon call", Fault::Seconds),
            ("-1 call", Fault::Seconds),
            ("NaN call", Fault::Seconds),
            ("1 noise loud", Fault::Seconds),
            ("1 say 1.0 hello", Fault::Words),
            ("1 say \"hello\"", Fault::Words),
            ("model maybe", Fault::Words),
            ("1 sing", Fault::Action),
            ("1 call me", Fault::Action),
            ("1 press \"12A\"", Fault::Key),
            ("1 press \"\"", Fault::Key),
            ("0.2 call", Fault::Order),
        ] {
            let text = format!("# A call.\n0.5 call\n{line}\n");
            assert_eq!(
                Scenario::parse(&text),
                Err(ScenarioError { line: 3, fault }),
                "{line}"
            );
        }
        let after_the_end = Scenario::parse("0 call\n1 hang up\n2 call\n");
        assert_eq!(
            after_the_end.map_err(|error| error.to_string()),
            Err("line 3: earlier than the line before it".to_owned())
        );
    }
}
