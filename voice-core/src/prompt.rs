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
