//! The labelled set, as `tests/turns/README.md` describes it.

use anyhow::{Context, Result, bail};

use super::noises::Kind;

/// What a case is, and so what is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Finished,
    Paused,
    PausedComplete,
    Dictated,
    Corrected,
    Retort,
    Backchannel,
    Noise,
    Interruption,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    pub class: Class,
    /// Its line, by which it is told.
    pub text: String,
    /// Its place in the whole set, from which its voice follows.
    pub number: usize,
    /// What she says before or meanwhile.
    pub hers: String,
    pub(super) start: Start,
    pub(super) parts: Vec<Part>,
}

/// When the caller's sound begins, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// After the end of what she says; before it, if negative.
    End(i64),
    /// Into what she says.
    In(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Somebody else in the room.
    Behind(String),
    /// For so many milliseconds.
    Noise(Kind, u64),
    /// Milliseconds.
    Pause(u64),
    Speech(String),
}

impl Class {
    /// In the order of the report.
    pub const ALL: [Self; 9] = [
        Self::Finished,
        Self::Paused,
        Self::PausedComplete,
        Self::Dictated,
        Self::Corrected,
        Self::Retort,
        Self::Backchannel,
        Self::Noise,
        Self::Interruption,
    ];

    /// Its name, which is that of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Paused => "paused",
            Self::PausedComplete => "paused-complete",
            Self::Dictated => "dictated",
            Self::Corrected => "corrected",
            Self::Retort => "retorts",
            Self::Backchannel => "backchannels",
            Self::Noise => "noises",
            Self::Interruption => "interruptions",
        }
    }

    /// Whether the caller speaks while she does, and may or may not want the floor.
    #[must_use]
    pub const fn is_over_her(self) -> bool {
        matches!(self, Self::Backchannel | Self::Noise | Self::Interruption)
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Finished => include_str!("../../turns/finished.txt"),
            Self::Paused => include_str!("../../turns/paused.txt"),
            Self::PausedComplete => include_str!("../../turns/paused-complete.txt"),
            Self::Dictated => include_str!("../../turns/dictated.txt"),
            Self::Corrected => include_str!("../../turns/corrected.txt"),
            Self::Retort => include_str!("../../turns/retorts.txt"),
            Self::Backchannel => include_str!("../../turns/backchannels.txt"),
            Self::Noise => include_str!("../../turns/noises.txt"),
            Self::Interruption => include_str!("../../turns/interruptions.txt"),
        }
    }
}

impl Case {
    /// How many digits are dictated.
    #[must_use]
    pub fn digits(&self) -> usize {
        let words = self.parts.iter().flat_map(|part| match part {
            Part::Speech(text) => text.split(' ').collect(),
            _ => Vec::new(),
        });
        words.filter(|word| DIGITS.contains(word)).count()
    }
}

/// The whole set.
///
/// # Errors
/// When a line cannot be read.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for class in Class::ALL {
        let mut hers = String::new();
        for (index, line) in class.file().lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = || format!("{}.txt, line {}", class.name(), index + 1);
            if let Some(text) = line.strip_prefix("she ") {
                hers = whole_text(text).with_context(at)?;
                continue;
            }
            let (start, parts) = read(line).with_context(at)?;
            cases.push(Case {
                class,
                text: line.to_owned(),
                number: cases.len(),
                hers: hers.clone(),
                start,
                parts,
            });
        }
    }
    Ok(cases)
}

fn read(line: &str) -> Result<(Start, Vec<Part>)> {
    let mut start = Start::End(USUAL_GAP);
    let mut parts = Vec::new();
    let mut words = Words(line);
    while let Some(word) = words.next()? {
        match word {
            Word::Quoted(text) => parts.push(Part::Speech(text.to_owned())),
            Word::Bare("in") => start = Start::In(millis(words.bare()?)?),
            Word::Bare("end") => start = Start::End(millis(words.bare()?)?),
            Word::Bare("behind") => match words.next()? {
                Some(Word::Quoted(text)) => parts.push(Part::Behind(text.to_owned())),
                _ => bail!("nothing is said behind"),
            },
            Word::Bare(word) => match Kind::named(word) {
                Some(kind) => {
                    let long = match kind.length() {
                        Some(long) => long,
                        None => u64::try_from(millis(words.bare()?)?)?,
                    };
                    parts.push(Part::Noise(kind, long));
                }
                None => parts.push(Part::Pause(u64::try_from(millis(word)?)?)),
            },
        }
    }
    if !parts.iter().any(|part| !matches!(part, Part::Pause(_))) {
        bail!("nothing is heard");
    }
    Ok((start, parts))
}

fn whole_text(text: &str) -> Result<String> {
    match Words(text).next()? {
        Some(Word::Quoted(text)) => Ok(text.to_owned()),
        _ => bail!("a text in quotes is missing"),
    }
}

fn millis(word: &str) -> Result<i64> {
    let seconds: f64 = word
        .parse()
        .with_context(|| format!("{word:?} is neither a noise nor a number of seconds"))?;
    Ok((seconds * 1_000.0).round() as i64)
}

enum Word<'a> {
    Bare(&'a str),
    Quoted(&'a str),
}

/// What is left of a line.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<Word<'a>>> {
        let rest = self.0.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, rest) = quoted.split_once('"').context("a quote is not closed")?;
            self.0 = rest;
            return Ok(Some(Word::Quoted(text)));
        }
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        self.0 = rest;
        Ok((!word.is_empty()).then_some(Word::Bare(word)))
    }

    fn bare(&mut self) -> Result<&'a str> {
        match self.next()? {
            Some(Word::Bare(word)) => Ok(word),
            _ => bail!("a number of seconds is missing"),
        }
    }
}

/// How long people usually wait before they answer: a little longer than a machine would.
const USUAL_GAP: i64 = 600;

const DIGITS: [&str; 11] = [
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_read_and_large_enough() -> Result<()> {
        let cases = all()?;
        assert!(cases.len() >= 200, "{}", cases.len());
        for class in Class::ALL {
            assert!(cases.iter().any(|case| case.class == class), "{class:?}");
        }
        let numbers = cases.iter().filter(|case| case.digits() == 10).count();
        assert!(numbers >= 15, "{numbers} numbers of ten digits");
        Ok(())
    }

    #[test]
    fn a_line_says_who_is_heard_when() -> Result<()> {
        let (start, parts) = read(r#"in 1.5 "one two" 0.6 keyboard 2 cough behind "three""#)?;
        assert_eq!(start, Start::In(1_500));
        assert_eq!(
            parts,
            [
                Part::Speech("one two".to_owned()),
                Part::Pause(600),
                Part::Noise(Kind::Keyboard, 2_000),
                Part::Noise(Kind::Cough, Kind::Cough.length().unwrap_or(0)),
                Part::Behind("three".to_owned()),
            ]
        );
        for wrong in ["", "0.5", "\"open", "in \"x\"", "sneeze", "behind cough"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        Ok(())
    }
}
