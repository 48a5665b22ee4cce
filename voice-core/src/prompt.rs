//! What the model is asked.

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
}
