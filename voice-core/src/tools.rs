//! What the model may do besides talking: the closed list of tools, as it is offered and as it is called.
//!
//! Neither tool takes anything that is acted upon, so nothing a model makes up can get further than the name.

/// Something the model may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// End the call once her last words have been heard.
    EndCall,
    /// Put the caller through to a person.
    TransferCall,
}

/// What every tool takes: why it is called, for the model's own thinking. Nobody reads it.
const PARAMETERS: &str = r#"{"type":"object","properties":{"reason":{"type":"string","description":"Why, in a few words."}},"additionalProperties":false}"#;

impl Tool {
    const ALL: [Self; 2] = [Self::EndCall, Self::TransferCall];

    /// The tool of this name, if there is one.
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
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::EndCall => {
                "Ends the call. Call it only when the caller has said goodbye or wants nothing more, and say a short goodbye with it."
            }
            Self::TransferCall => {
                "Puts the caller through to a person. Call it when the caller asks for a person or you cannot help, and say in a few words that you are doing so."
            }
        }
    }

    /// What it takes, as a JSON schema.
    #[must_use]
    pub const fn parameters(self) -> &'static str {
        match self {
            Self::EndCall | Self::TransferCall => PARAMETERS,
        }
    }
}

/// The model calls a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which; none if it made up a name.
    pub tool: Option<Tool>,
}

impl Call {
    /// The call of whatever has this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            tool: Tool::named(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_called_by_the_name_it_is_offered_under() {
        for tool in Tool::ALL {
            assert_eq!(Call::named(tool.name()).tool, Some(tool));
        }
        assert_eq!(Call::named("END_CALL").tool, None);
        assert_eq!(Call::named("").tool, None);
    }

    #[test]
    fn the_schemas_are_json_objects_that_ask_for_nothing() {
        for tool in Tool::ALL {
            let schema: serde_json::Value =
                serde_json::from_str(tool.parameters()).expect("a schema is JSON");
            assert_eq!(schema["type"], "object");
            assert!(schema["properties"].is_object());
            assert!(schema.get("required").is_none());
        }
    }
}
