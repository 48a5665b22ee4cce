//! What the model is asked.

use crate::tools::Tool;

/// Who a message of the prompt is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Agent,
    Caller,
    System,
}

/// One message of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub text: String,
}

/// Everything the model needs to answer: instructions first, then what was said and *heard*, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    pub messages: Vec<Message>,
    /// What it may do besides answering.
    pub tools: Vec<Tool>,
}
