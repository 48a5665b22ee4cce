//! What each tool takes, said once: the fields, their schema for the model, and how they are read from its JSON.

use serde_json::{Map, Value, json};

use super::{ArgumentError, Definition};
use crate::business::Business;
use crate::text::{Line, TextError, clean_line};
use crate::when::LONGEST;

/// A value as a model writes one.
pub(super) trait Argument: Sized {
    const REQUIRED: bool = true;

    fn schema(business: &Business) -> Map<String, Value>;

    /// From the text that was given, if one was. The error says what is wrong with it.
    fn read(given: Option<&str>) -> Result<Self, String>;
}

/// A service by its id or name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceName(pub(super) Line<80>);

/// A day, a time, or both, in words or digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DateText(pub(super) Line<LONGEST>);

/// A time of day, in words or digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TimeText(pub(super) Line<LONGEST>);

/// A telephone number as it was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PhoneText(pub(super) Line<48>);

macro_rules! tools {
    ($($tool:ident $name:literal $about:literal { $($field:ident: $type:ty = $meaning:literal,)* })*) => {
        $(
            #[derive(Debug, PartialEq, Eq)]
            pub(super) struct $tool {
                $(pub(super) $field: $type,)*
            }

            impl $tool {
                pub(super) const NAME: &str = $name;

                pub(super) fn definition(business: &Business) -> Definition {
                    let mut properties = Map::new();
                    let mut required = Vec::new();
                    $(
                        let mut schema = <$type>::schema(business);
                        schema.insert("description".to_owned(), $meaning.into());
                        properties.insert(stringify!($field).to_owned(), schema.into());
                        if <$type>::REQUIRED {
                            required.push(stringify!($field));
                        }
                    )*
                    Definition {
                        name: Self::NAME,
                        description: $about,
                        parameters: json!({
                            "type": "object",
                            "properties": properties,
                            "required": required,
                            "additionalProperties": false,
                        }),
                    }
                }

                pub(super) fn read(mut given: Map<String, Value>) -> Result<Self, ArgumentError> {
                    $(
                        let $field = {
                            let value = given.remove(stringify!($field));
                            text_of(value)
                                .and_then(|text| <$type>::read(text.as_deref()))
                                .map_err(|why| ArgumentError::new(stringify!($field), why))?
                        };
                    )*
                    match given.into_iter().find(|(_, value)| !value.is_null()) {
                        Some((name, _)) => Err(ArgumentError::new(
                            clean_line::<40>(&name).ok().flatten().map_or_else(|| "arguments".to_owned(), Line::into_string),
                            "is not an argument of this tool",
                        )),
                        None => Ok(Self { $($field),* }),
                    }
                }
            }
        )*
    };
}

tools! {
    Check "check_availability" "Finds free times for a service. Call it before you offer or promise any time." {
        service: ServiceName = "Which service.",
        date: Option<DateText> = "The day: YYYY-MM-DD, or as the caller said it, such as 'next Tuesday'. Leave it out for the first free times.",
        time: Option<TimeText> = "A time (HH:MM) or a part of the day (morning, afternoon, evening), if the caller wants one.",
    }
    Book "book_appointment" "Books an appointment. Call it only when the caller has agreed to the service, the day and the time, and has given a name." {
        service: ServiceName = "Which service.",
        date: DateText = "The day: YYYY-MM-DD, or as the caller said it.",
        time: TimeText = "The time it begins: HH:MM.",
        name: Line<80> = "The caller's name.",
        phone: Option<PhoneText> = "The caller's telephone number, if it was given.",
    }
    Reschedule "reschedule_appointment" "Moves the caller's own appointment to another time. It needs the name and the telephone number of the booking." {
        name: Line<80> = "The name the appointment is under.",
        phone: Option<PhoneText> = "The telephone number of the booking. Leave it out if it is the number the caller is calling from.",
        current: Option<DateText> = "When the appointment is now, if the caller has several.",
        date: Option<DateText> = "The new day: YYYY-MM-DD, or as the caller said it. Leave it out if the day stays.",
        time: TimeText = "The new time: HH:MM.",
    }
    Cancel "cancel_appointment" "Cancels the caller's own appointment. It needs the name and the telephone number of the booking." {
        name: Line<80> = "The name the appointment is under.",
        phone: Option<PhoneText> = "The telephone number of the booking. Leave it out if it is the number the caller is calling from.",
        date: Option<DateText> = "The day of the appointment, if the caller told it.",
    }
    TakeMessage "take_message" "Takes a message for the people of the business, when you cannot help or the caller asks for it." {
        text: Line<1000> = "The message, in the caller's words.",
        name: Option<Line<80>> = "The caller's name, if it was given.",
        phone: Option<PhoneText> = "Where to call back, if it was given.",
    }
}

/// The text of a value. Numbers are texts to a model, and several things are nothing.
fn text_of(value: Option<Value>) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let nothing = NOTHING
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word));
            Ok((!nothing).then_some(text))
        }
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Array(_) | Value::Bool(_) | Value::Object(_)) => {
            Err("must be a text".to_owned())
        }
    }
}

fn required<const MOST: usize>(given: Option<&str>) -> Result<Line<MOST>, String> {
    let text = given.ok_or("is missing; ask the caller")?;
    Line::parse(text).map_err(|error| match error {
        TextError::Empty => "is missing; ask the caller".to_owned(),
        TextError::TooLong(_) => error.to_string(),
    })
}

fn text_schema(most: usize) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "string".into());
    schema.insert("maxLength".to_owned(), most.into());
    schema
}

impl<const MOST: usize> Argument for Line<MOST> {
    fn schema(_business: &Business) -> Map<String, Value> {
        text_schema(MOST)
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        required(given)
    }
}

impl Argument for ServiceName {
    fn schema(business: &Business) -> Map<String, Value> {
        let names: Vec<&str> = business
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), names.into());
        schema
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        required(given).map(Self)
    }
}

impl Argument for DateText {
    fn schema(_business: &Business) -> Map<String, Value> {
        text_schema(LONGEST)
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        required(given).map(Self)
    }
}

impl Argument for TimeText {
    fn schema(_business: &Business) -> Map<String, Value> {
        text_schema(LONGEST)
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        required(given).map(Self)
    }
}

impl Argument for PhoneText {
    fn schema(_business: &Business) -> Map<String, Value> {
        text_schema(48)
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        required(given).map(Self)
    }
}

impl<T: Argument> Argument for Option<T> {
    const REQUIRED: bool = false;

    fn schema(business: &Business) -> Map<String, Value> {
        T::schema(business)
    }

    fn read(given: Option<&str>) -> Result<Self, String> {
        given.map(|text| T::read(Some(text))).transpose()
    }
}

/// What models write when they have nothing to give.
const NOTHING: [&str; 8] = [
    "",
    "n/a",
    "none",
    "null",
    "not given",
    "not provided",
    "undefined",
    "unknown",
];
