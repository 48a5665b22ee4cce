//! What she knows, as the arguments of a tool that she is offered.

use serde_json::{Map, Value};

use super::visit::{Details, Task};
use crate::groq::Function;

/// Arguments by the names of the tool's own schema.
pub(crate) fn arguments(
    tool: &Function,
    task: Option<Task>,
    known: &Details,
) -> Map<String, Value> {
    let Some(properties) = tool.parameters["properties"].as_object() else {
        return Map::new();
    };
    let named = properties.iter().filter_map(|(name, schema)| {
        let value = value(name, schema, task, known)?;
        Some((name.clone(), Value::from(value)))
    });
    named.collect()
}

fn value(name: &str, schema: &Value, task: Option<Task>, known: &Details) -> Option<String> {
    let current = || {
        let (date, time) = (known.current?, known.current_time);
        let time = time.map(|time| format!(" {}", time.written()));
        Some(format!("{date}{}", time.unwrap_or_default()))
    };
    match name {
        "current" => current(),
        "date" if task == Some(Task::Cancel) => current(),
        "date" => known.date.map(|date| date.to_string()),
        "name" => known.name.clone(),
        "phone" => known.phone.clone(),
        "service" => known
            .service
            .as_deref()
            .map(|service| among(service, &schema["enum"])),
        "text" => known.text.clone(),
        "time" => {
            let time = known.time.or(known.around).map(|time| time.written());
            time.or_else(|| known.part.map(|part| part.name().to_owned()))
        }
        _ => None,
    }
}

/// The member of an `enum` that means this word, or the word.
fn among(word: &str, allowed: &Value) -> String {
    let core = |text: &str| {
        text.chars()
            .filter(|character| character.is_alphanumeric())
            .collect::<String>()
            .to_lowercase()
    };
    let allowed = allowed.as_array().map(Vec::as_slice).unwrap_or_default();
    let same = allowed
        .iter()
        .filter_map(Value::as_str)
        .find(|member| core(member) == core(word));
    same.unwrap_or(word).to_owned()
}
