//! The little language of `tests/scenarios`: what the model answers, then what the caller does and when.
//!
//! ```text
//! model "An answer."         the answers in order; `model fails` for none
//! 6.0  say 1.2 "Words."      from 6.0 s on, the caller says this for 1.2 s
//! 9.0  noise 0.4             a sound without words
//! ```

/// One call as written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// What the model answers; `None` where it fails.
    pub answers: Vec<Option<String>>,
    /// What the caller does, at which millisecond.
    pub actions: Vec<(u64, Action)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Call,
    HangUp,
    Noise { millis: u64 },
    Say { millis: u64, words: String },
}

impl Script {
    pub(crate) fn parse(text: &str) -> Self {
        let mut script = Self::default();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            match line.split_once(char::is_whitespace) {
                Some(("model", answer)) => {
                    script
                        .answers
                        .push((answer != "fails").then(|| answer.trim_matches('"').to_owned()));
                }
                Some((at, action)) => script
                    .actions
                    .push((millis(at), Action::parse(action.trim()))),
                None => panic!("not a line of a scenario: {line}"),
            }
        }
        script
    }
}

impl Action {
    fn parse(text: &str) -> Self {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (verb, rest) {
            ("call", "") => Self::Call,
            ("hang", "up") => Self::HangUp,
            ("noise", length) => Self::Noise {
                millis: millis(length),
            },
            ("say", rest) => {
                let (length, words) = rest.split_once(' ').expect("say needs a length and words");
                Self::Say {
                    millis: millis(length),
                    words: words.trim_matches('"').to_owned(),
                }
            }
            _ => panic!("not an action: {text}"),
        }
    }
}

fn millis(seconds: &str) -> u64 {
    (seconds.parse::<f64>().expect("seconds") * 1_000.0).round() as u64
}
