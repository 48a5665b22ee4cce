//! What the model may do besides talking: the tools it is offered, the calls it makes, and what came of them.
//!
//! Two tools are the conversation's own: they end the call or put the caller through, and take nothing that is acted upon. What a business
//! can do for a caller comes with its configuration as [`Offer`]s. The core passes such calls out and their results back, in
//! order and bounded, and never looks inside.

use serde::{Deserialize, Serialize};

/// A tool of the conversation's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// End the call once her last words have been heard.
    EndCall,
    /// Put the caller through to a person.
    TransferCall,
}

/// What both take: why they are called, for the model's own thinking. Nobody reads it.
const PARAMETERS: &str = r#"{"type":"object","properties":{"reason":{"type":"string","description":"Why, in a few words."}},"additionalProperties":false}"#;

impl Tool {
    const ALL: [Self; 2] = [Self::EndCall, Self::TransferCall];

    /// The tool of this name, if it is one of the conversation's own.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// The name under which the model calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndCall => "end_call",
            Self::TransferCall => "transfer_call",
        }
    }

    /// When to call it, for the model.
    const fn description(self) -> &'static str {
        match self {
            Self::EndCall => {
                "Ends the call. Call it only when the caller has said goodbye or wants nothing more, and say a short goodbye with it."
            }
            Self::TransferCall => {
                "Puts the caller through to a person. Call it when the caller asks for a person or you cannot help, and say in a few words that you are doing so."
            }
        }
    }

    /// As it is offered.
    #[must_use]
    pub fn offer(self) -> Offer {
        Offer {
            name: self.name().to_owned(),
            description: self.description().to_owned(),
            parameters: PARAMETERS.to_owned(),
        }
    }
}

/// A tool as the model is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub name: String,
    /// When to call it.
    pub description: String,
    /// What it takes, as a JSON schema.
    pub parameters: String,
}

/// The model calls a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The model's name for this call, under which it expects the result.
    pub id: String,
    /// Of the tool; it may be made up.
    pub name: String,
    /// JSON, if the model kept to what was asked.
    pub arguments: String,
}

impl Call {
    /// A call of whatever has this name, with nothing to act upon.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            id: name.to_owned(),
            name: name.to_owned(),
            arguments: "{}".to_owned(),
        }
    }

    /// Whether it asks for the same as the other.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        self.name == other.name && self.arguments == other.arguments
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which: [`Call::id`].
    pub call: String,
    /// Whether it was done.
    pub done: bool,
    /// For the model.
    pub text: String,
}

/// A call that was carried out, or is being.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub call: Call,
    /// For the model; none while it is under way.
    pub result: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_called_by_the_name_it_is_offered_under() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(&tool.offer().name), Some(tool));
        }
        assert_eq!(Tool::named("END_CALL"), None);
        assert_eq!(Tool::named(""), None);
    }

    #[test]
    fn the_schemas_are_json_objects_that_ask_for_nothing() {
        for tool in Tool::ALL {
            let schema: serde_json::Value =
                serde_json::from_str(&tool.offer().parameters).expect("a schema is JSON");
            assert_eq!(schema["type"], "object");
            assert!(schema["properties"].is_object());
            assert!(schema.get("required").is_none());
        }
    }

    #[test]
    fn the_same_call_twice_is_known_whatever_it_is_called() {
        let call = Call::named("book_appointment");
        let again = Call {
            id: "another".to_owned(),
            ..call.clone()
        };
        assert!(again.repeats(&call));
        let other = Call {
            arguments: r#"{"date":"friday"}"#.to_owned(),
            ..call.clone()
        };
        assert!(!other.repeats(&call));
        assert!(!Call::named("take_message").repeats(&call));
    }
}
