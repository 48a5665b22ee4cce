//! A booking, step by step: what the conversation holds of it so far, what is still to be asked, and which tool to call.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::facts::{Facts, joined, with_article};
use super::spoken::{Date, Day, Time, Words};
use super::{Intent, Reply, intent};
use crate::groq::{ChatRequest, Function};

/// What is known of an appointment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    service: Option<String>,
    day: Option<Day>,
    date: Option<Date>,
    time: Option<Time>,
    name: Option<String>,
    phone: Option<String>,
    note: Option<String>,
}

impl Details {
    /// A message for somebody, and no appointment.
    pub(crate) fn of_message(text: String) -> Self {
        Self {
            note: Some(text),
            ..Self::default()
        }
    }

    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
}

/// A booking as the conversation has it.
pub(crate) struct Booking {
    /// Whether one is being made.
    pub(crate) open: bool,
    pub(crate) details: Details,
    /// Whether a name was asked for, to change or cancel an appointment.
    changing: bool,
    /// The day whose free times are known, and the times.
    checked: Option<Day>,
    offered: Vec<Time>,
    /// The tool whose result came last, and the result.
    result: Option<(String, String)>,
}

impl Booking {
    pub(crate) fn of(request: &ChatRequest, facts: &Facts) -> Self {
        let details = Details::default();
        let mut booking = Self {
            open: false,
            details,
            changing: false,
            checked: None,
            offered: Vec::new(),
            result: None,
        };
        let mut calls: HashMap<&str, &str> = HashMap::new();
        let mut asked = String::new();
        for message in &request.messages {
            match message.role.as_str() {
                "user" => booking.hear(&Words::of(&message.text()), &asked, facts),
                "assistant" => {
                    calls.extend(
                        message
                            .tool_calls
                            .iter()
                            .map(|call| (call.id.as_str(), call.function.name.as_str())),
                    );
                    let said = message.text();
                    if !said.is_empty() {
                        // The question that `change` asks.
                        booking.changing = said.contains("appointment is under");
                        if CLOSED.iter().any(|closed| said.contains(closed)) {
                            booking.open = false;
                            booking.details = Details {
                                name: booking.details.name.take(),
                                ..Details::default()
                            };
                        }
                        asked = said;
                    }
                }
                "tool" => {
                    let id = message.tool_call_id.as_deref().unwrap_or_default();
                    booking.learn(calls.get(id).copied().unwrap_or_default(), &message.text());
                }
                _ => {}
            }
        }
        booking
    }

    fn hear(&mut self, said: &Words, asked: &str, facts: &Facts) {
        let intent = intent(said);
        let accepted = asked.ends_with("Would you like to book one?")
            && ["yes", "sure", "please", "yeah"]
                .iter()
                .any(|word| said.contain(word));
        self.open = (self.open || accepted || intent == Some(Intent::Booking))
            && !matches!(intent, Some(Intent::Goodbye | Intent::Change));
        if let Some(service) = facts.service_in(said) {
            self.details.service = Some(service.name.clone());
        }
        if self.changing || self.open {
            self.details.name = said
                .name(asked.contains("your name") || self.changing)
                .or_else(|| self.details.name.take());
        }
        // "Are you open on Saturday?" asks about a day and does not choose it.
        if !self.open || matches!(intent, Some(Intent::Hours)) {
            return;
        }
        if let Some(day) = said.day() {
            (self.details.day, self.details.date) = (Some(day), Some(day.date(facts.today)));
        }
        let chosen = said
            .choice(self.offered.len())
            .and_then(|index| self.offered.get(index).copied());
        let time_asked = asked.contains("time") || asked.contains("Which would you like");
        if let Some(time) = said.time(time_asked).or(chosen) {
            self.details.time = Some(time);
        }
        if let Some(phone) = said.phone() {
            self.details.phone = Some(phone);
        }
    }

    fn learn(&mut self, tool: &str, result: &str) {
        match tool {
            "check_availability" => {
                self.checked = self.details.day;
                self.offered = times(result);
                self.offered.truncate(OFFERED_MOST);
            }
            "book_appointment" if failed(result) => self.details.time = None,
            _ => {}
        }
        self.result = Some((tool.to_owned(), result.to_owned()));
    }

    /// Asks for what is missing, or does what can be done.
    pub(crate) fn next_step(&self, request: &ChatRequest) -> Reply {
        let Details {
            service, day, time, ..
        } = &self.details;
        if service.is_some()
            && day.is_some()
            && time.is_none()
            && self.checked != *day
            && let Some(tool) = request.tool("check_availability")
        {
            return Reply::call("check_availability", arguments(tool, &self.details));
        }
        if self.is_complete() {
            let book = request.tool("book_appointment");
            if let Some(tool) = book {
                if self.details.phone.is_none() && requires_phone(tool) {
                    return Reply::say("And a telephone number, please?");
                }
                return Reply::call("book_appointment", arguments(tool, &self.details));
            }
            let name = self.details.name.as_deref().unwrap_or_default();
            return Reply::say(format!(
                "Thank you, {name}. That's {}. Someone will call you to confirm. Is there anything else?",
                self.summary()
            ));
        }
        Reply::say(self.question())
    }

    fn is_complete(&self) -> bool {
        let Details {
            service,
            day,
            time,
            name,
            ..
        } = &self.details;
        service.is_some() && day.is_some() && time.is_some() && name.is_some()
    }

    /// The next thing to ask.
    pub(crate) fn question(&self) -> &'static str {
        match &self.details {
            Details { service: None, .. } => "Of course. What would you like to come in for?",
            Details { day: None, .. } => "What day would suit you?",
            Details { time: None, .. } => "What time would you like to come?",
            _ => "May I have your name, please?",
        }
    }

    /// `a cleaning tomorrow at ten thirty`
    fn summary(&self) -> String {
        let service = self
            .details
            .service
            .as_deref()
            .map_or_else(|| "an appointment".to_owned(), with_article);
        let day = self
            .details
            .day
            .map(|day| format!(" {day}"))
            .unwrap_or_default();
        let time = self
            .details
            .time
            .map(|time| format!(" at {time}"))
            .unwrap_or_default();
        format!("{service}{day}{time}")
    }

    /// What to say to a tool's result.
    pub(crate) fn after_tool(&self, request: &ChatRequest) -> Reply {
        let (tool, result) = self
            .result
            .as_ref()
            .map(|(tool, result)| (tool.as_str(), result.as_str()))
            .unwrap_or_default();
        let day = self
            .details
            .day
            .map(|day| day.to_string())
            .unwrap_or_default();
        match (tool, failed(result)) {
            ("check_availability", true) => Reply::say(self.question()),
            ("check_availability", false) if self.offered.is_empty() => Reply::say(format!(
                "I'm sorry, there is nothing free {day}. What other day would suit you?"
            )),
            ("check_availability", false) if self.details.time.is_some() => self.next_step(request),
            ("check_availability", false) => {
                let times: Vec<String> = self.offered.iter().map(Time::to_string).collect();
                let times: Vec<&str> = times.iter().map(String::as_str).collect();
                let day = day
                    .strip_prefix("on ")
                    .map_or_else(|| day.clone(), |day| format!("On {day}"));
                let day = match day.split_at_checked(1) {
                    Some((first, rest)) => format!("{}{rest}", first.to_uppercase()),
                    None => day,
                };
                Reply::say(format!(
                    "{day} I have {}. Which would you like?",
                    joined(&times, "or")
                ))
            }
            ("book_appointment", true) => {
                Reply::say("I'm sorry, that time is not available. What other time would suit you?")
            }
            ("book_appointment", false) => Reply::say(format!(
                "You're booked for {}. Is there anything else?",
                self.summary()
            )),
            ("cancel_appointment" | "reschedule_appointment", true) => Reply::say(
                "I'm sorry, I could not find it. Please tell me whose name the appointment is under.",
            ),
            ("cancel_appointment", false) => {
                Reply::say("Your appointment is cancelled. Is there anything else?")
            }
            ("reschedule_appointment", false) => {
                Reply::say("Your appointment is moved. Is there anything else?")
            }
            ("take_message", false) => {
                Reply::say("Thank you, I've passed that on. Is there anything else?")
            }
            // The call is over or somebody else's.
            ("end_call" | "transfer_call", false) => Reply::say(""),
            _ => Reply::say(
                "I'm sorry, that did not work. Is there anything else I can help you with?",
            ),
        }
    }

    /// Cancels an appointment, or promises that somebody will change it.
    pub(crate) fn change(&self, request: &ChatRequest, said: &Words) -> Reply {
        let cancel = self.changing || said.contain("cancel");
        let Some(tool) = request.tool("cancel_appointment").filter(|_| cancel) else {
            return Reply::say(
                "I'll pass that on, and someone will call you back to change it. Is there anything else?",
            );
        };
        let details = Details {
            name: said
                .name(self.changing)
                .or_else(|| self.details.name.clone()),
            ..self.details.clone()
        };
        if details.name.is_none() {
            return Reply::say("Of course. Please tell me whose name the appointment is under.");
        }
        Reply::call("cancel_appointment", arguments(tool, &details))
    }

    /// Whether the caller was asked whose appointment is to be changed.
    pub(crate) const fn is_changing(&self) -> bool {
        self.changing
    }
}

/// Arguments by the names of the tool's own schema.
pub(crate) fn arguments(tool: &Function, details: &Details) -> Map<String, Value> {
    let Some(properties) = tool.parameters["properties"].as_object() else {
        return Map::new();
    };
    let date = details.date.map(|date| date.to_string());
    let time = details.time.map(Time::written);
    let moment = date
        .as_ref()
        .zip(time.as_ref())
        .map(|(date, time)| format!("{date}T{time}:00"));
    let value = |name: &str, schema: &Value| {
        let name = name.to_lowercase();
        let has = |part: &str| name.contains(part);
        if schema["format"] == "date-time" || has("start") || has("datetime") || has("date_time") {
            moment.clone().or_else(|| time.clone())
        } else if has("date") || has("day") {
            date.clone()
        } else if has("time") {
            time.clone()
        } else if has("service") || has("treatment") {
            details
                .service
                .as_deref()
                .map(|service| among(service, &schema["enum"]))
        } else if has("phone") || has("number") || has("contact") {
            details.phone.clone()
        } else if has("name") {
            details.name.clone()
        } else if has("message") || has("note") || has("text") {
            details.note.clone()
        } else {
            None
        }
    };
    properties
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), Value::from(value(name, schema)?))))
        .collect()
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

fn requires_phone(tool: &Function) -> bool {
    let required = tool.parameters["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    required
        .iter()
        .filter_map(Value::as_str)
        .any(|name| name.contains("phone"))
}

/// Whether a tool says that it did not do what it was asked.
fn failed(result: &str) -> bool {
    match serde_json::from_str::<Value>(result) {
        Ok(Value::Object(members)) => {
            let refused = ["ok", "success", "booked", "available"]
                .iter()
                .any(|name| members.get(*name) == Some(&Value::Bool(false)));
            refused || members.get("error").is_some_and(|error| !error.is_null())
        }
        Ok(_) => false,
        Err(_) => ["error", "not available", "taken", "failed"]
            .iter()
            .any(|word| result.to_lowercase().contains(word)),
    }
}

/// Every time of day in a result, in order, each once.
fn times(result: &str) -> Vec<Time> {
    fn gather(value: &Value, times: &mut Vec<Time>) {
        match value {
            Value::String(text) => times.extend(
                Time::find(text)
                    .filter(|time| !times.contains(time))
                    .into_iter()
                    .collect::<Vec<_>>(),
            ),
            Value::Array(items) => items.iter().for_each(|item| gather(item, times)),
            // The start of an object's span; its end is no time to come at.
            Value::Object(members) => {
                let kept = members.iter().filter(|(name, _)| !name.contains("end"));
                kept.for_each(|(_, value)| gather(value, times));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    match serde_json::from_str(result) {
        Ok(value) => gather(&value, &mut found),
        Err(_) => result
            .split_whitespace()
            .for_each(|word| gather(&Value::from(word), &mut found)),
    }
    found
}

/// A list longer than this is not remembered by ear.
const OFFERED_MOST: usize = 3;

/// Her own words that end a booking.
const CLOSED: [&str; 2] = ["You're booked for", "Someone will call you to confirm"];
