//! What the model is asked.

use crate::tools::{Call, Offer, Run};

/// Who a message of the prompt is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Agent,
    Caller,
    System,
    /// What came of a call of the model's.
    Tool,
}

/// One message of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub text: String,
    /// What the agent wanted done with these words.
    pub calls: Vec<Call>,
    /// Which call a tool's message answers.
    pub answers: Option<String>,
}

impl Message {
    /// Somebody's words.
    #[must_use]
    pub fn said(role: Role, text: &str) -> Self {
        Self {
            role,
            text: text.to_owned(),
            calls: Vec::new(),
            answers: None,
        }
    }

    /// A call of the model's, and its result if there is one.
    pub(crate) fn of_run(run: &Run) -> [Self; 2] {
        let called = Self {
            calls: vec![run.call.clone()],
            ..Self::said(Role::Agent, "")
        };
        let result = run.result.as_deref().unwrap_or(UNKNOWN);
        let answered = Self {
            answers: Some(run.call.id.clone()),
            ..Self::said(Role::Tool, result)
        };
        [called, answered]
    }
}

/// Everything the model needs to answer: instructions first, then what was said, done and *heard*, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    pub messages: Vec<Message>,
    /// What it may do besides answering.
    pub tools: Vec<Offer>,
}

/// A call without a result is one that nobody waited for.
const UNKNOWN: &str = r#"{"ok":false,"error":"not known yet"}"#;

impl Prompt {
    /// The same with less of what was said: the older half is left out, and never the instructions or what is to be answered. None when there is
    /// nothing left to leave out.
    #[must_use]
    pub fn shorter(&self) -> Option<Self> {
        let (system, rest) = self.messages.split_first()?;
        // What the caller said last, and what was done for it, stays.
        let asked = rest.iter().rposition(|m| m.role == Role::Caller)?;
        let half = asked.div_ceil(2);
        // A call and its result are not parted: a stretch begins with the caller's or her own words.
        let from = (half..=asked).find(|at| {
            rest.get(*at).is_some_and(|m| {
                m.role == Role::Caller || (m.role == Role::Agent && m.calls.is_empty())
            })
        })?;
        (from > 0).then(|| Self {
            messages: std::iter::once(system)
                .chain(rest.iter().skip(from))
                .cloned()
                .collect(),
            tools: self.tools.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(said: &str) -> Prompt {
        let run = Run {
            call: Call::named("look_up"),
            result: None,
        };
        let mut messages = vec![Message::said(Role::System, "Be brief.")];
        for letter in said.chars() {
            match letter {
                'c' => messages.push(Message::said(Role::Caller, "Hello.")),
                't' => messages.extend(Message::of_run(&run)),
                _ => messages.push(Message::said(Role::Agent, "Hi.")),
            }
        }
        Prompt {
            messages,
            tools: Vec::new(),
        }
    }

    #[test]
    fn the_older_half_goes_first_and_what_is_asked_never() {
        for (said, shorter) in [
            ("acacac", Some("cac")),
            ("ac", Some("c")),
            ("actctc", Some("ctc")),
            ("acatct", Some("ct")),
            ("ct", None),
            ("c", None),
            ("", None),
        ] {
            let left = prompt(said).shorter();
            assert_eq!(left, shorter.map(prompt), "{said}");
        }
    }
}
