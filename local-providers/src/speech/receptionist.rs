//! A receptionist by rules, behind the chat-completions protocol: what stands in for a language model on a machine without
//! one. She answers from the facts in the system prompt; books, moves and cancels appointments and takes messages step by step, one
//! question at a time; and calls the tools she is offered. Nothing is booked before it was read back and agreed to.
//!
//! She remembers nothing: like a model, she reads the whole conversation each time. Where it ends with her own words, she goes
//! on from there.

mod arguments;
mod desk;
mod facts;
mod intent;
mod outcome;
mod spoken;
mod visit;

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::backend::{Delta, continued};
use crate::groq::ChatRequest;
use crate::scripted::model::tokens;
use facts::Facts;
use intent::Intent;
use spoken::Words;
use visit::{Expected, Task, Visit};

pub(crate) fn complete(request: &ChatRequest) -> mpsc::Receiver<Delta> {
    let (sender, receiver) = mpsc::channel(1);
    let deltas = match request.begun() {
        Some((begun, before)) => continued(answer(&before), &begun),
        None => answer(request),
    };
    tokio::spawn(async move {
        for delta in deltas {
            sleep(TOKEN).await;
            if sender.send(delta).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// What is to be said, and perhaps done.
pub(crate) struct Reply {
    say: String,
    call: Option<(String, Map<String, Value>)>,
}

impl Reply {
    fn say(text: impl Into<String>) -> Self {
        Self {
            say: text.into(),
            call: None,
        }
    }

    fn call(name: &str, arguments: Map<String, Value>) -> Self {
        Self {
            say: String::new(),
            call: Some((name.to_owned(), arguments)),
        }
    }

    fn after(mut self, text: &str) -> Self {
        self.say = text.to_owned();
        self
    }
}

fn answer(request: &ChatRequest) -> Vec<Delta> {
    let Reply { say, call } = reply(request);
    let mut deltas: Vec<Delta> = tokens(&say).map(Delta::Content).collect();
    if let Some((name, arguments)) = call {
        deltas.push(Delta::ToolCall {
            name: Some(name),
            arguments: Value::Object(arguments).to_string(),
        });
    }
    deltas
}

fn reply(request: &ChatRequest) -> Reply {
    let facts = Facts::of(request);
    let visit = Visit::of(request, &facts);
    if request.ends_with_tool_result() {
        return visit.after_tool();
    }
    match &visit.untold {
        // It was done while the caller spoke on, perhaps to say nothing more.
        Some(done) if visit.intent.is_none() && visit.task.is_none() => {
            Reply::say(format!("{done} {ANYTHING_ELSE}"))
        }
        Some(done) => {
            let reply = answer_to(request, &visit);
            Reply {
                say: format!("{done} {}", reply.say),
                ..reply
            }
        }
        None => answer_to(request, &visit),
    }
}

fn answer_to(request: &ChatRequest, visit: &Visit<'_>) -> Reply {
    let said = Words::of(&request.last_user());
    let facts = visit.facts;
    // A question in the middle of something is answered, and that goes on.
    let aside = |answer: String| match visit.task {
        Some(_) => Reply::say(format!("{answer} {}", visit.question())),
        None => Reply::say(answer),
    };
    match (visit.intent, visit.task) {
        (Some(Intent::Goodbye), _) => goodbye(request),
        (Some(Intent::Never), _) => Reply::say(format!("All right. {ANYTHING_ELSE}")),
        (Some(Intent::Person), _) => match request.tool("transfer_call") {
            Some(_) => {
                Reply::call("transfer_call", Map::new()).after("Of course, one moment please.")
            }
            None => Reply::say(
                "There is nobody free right now, but I can take a message. What shall I pass on?",
            ),
        },
        (Some(Intent::Emergency), Some(Task::Book)) => {
            let step = visit.next_step(request);
            let lead = match facts.sees_emergencies {
                true => {
                    "I'm sorry to hear that. We see emergencies on the same day where possible."
                }
                false => "I'm sorry to hear that.",
            };
            let say = format!("{lead} {}", step.say.trim_start_matches("Of course. "));
            Reply { say, ..step }
        }
        (Some(Intent::Booking | Intent::Emergency), Some(Task::Message)) if !facts.books() => {
            Reply::say(format!(
                "I cannot book appointments here, but I can take a message. {}",
                visit.question()
            ))
        }
        (Some(Intent::Hours), _) => aside(facts.hours_for(&said)),
        (Some(Intent::Parking), _) => aside(facts.parking()),
        (Some(Intent::Address), _) => aside(facts.address()),
        (Some(Intent::Price | Intent::Services), _) => {
            aside(facts.prices_for(&said, visit.details.service.as_deref()))
        }
        (Some(Intent::Identity), _) => aside(format!(
            "I'm Voxanne, the automated receptionist at {}.",
            facts.business
        )),
        (Some(Intent::Cancel | Intent::Message | Intent::Move), Some(_)) => {
            visit.first_step(request)
        }
        (_, Some(_)) if !visit.progress && !said.is_yes() => not_understood(request, visit),
        (_, Some(_)) => visit.next_step(request),
        (Some(Intent::Thanks), None) => Reply::say(format!("You're welcome. {ANYTHING_ELSE_HELP}")),
        (Some(Intent::Greeting), None) => Reply::say("Hello! How can I help you?"),
        (Some(Intent::No), None) => goodbye(request),
        (_, None) if facts.service_in(&said).is_some() => Reply::say(format!(
            "{} Would you like to book one?",
            facts.prices_for(&said, None)
        )),
        (_, None) if said.is_yes() => Reply::say("How can I help you?"),
        (_, None) => Reply::say(
            "I'm sorry, I didn't quite catch that. I can tell you our opening hours and prices, or book an appointment for you.",
        ),
    }
}

/// Asks again for what was asked for, and helps to answer it.
fn not_understood(request: &ChatRequest, visit: &Visit<'_>) -> Reply {
    let step = visit.next_step(request);
    if step.call.is_some() {
        return step;
    }
    let question = match visit.expected() {
        Expected::Service => format!(
            "We offer {}. Which one would you like?",
            visit.facts.service_names()
        ),
        _ => step.say,
    };
    Reply::say(format!("I'm sorry, I didn't catch that. {question}"))
}

fn goodbye(request: &ChatRequest) -> Reply {
    let words = "Thank you for calling. Goodbye!";
    match request.tool("end_call") {
        Some(_) => Reply::call("end_call", Map::new()).after(words),
        None => Reply::say(words),
    }
}

const ANYTHING_ELSE: &str = "Is there anything else?";

const ANYTHING_ELSE_HELP: &str = "Is there anything else I can help you with?";

/// About what a small fast model does.
const TOKEN: Duration = Duration::from_millis(12);

#[cfg(test)]
mod dialogues;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SYSTEM: &str = "You are the receptionist. Today is Tuesday 2026-11-24.\n\n\
        Business: Willow Lane Dental, a dental practice.\n\
        Opening hours: Monday to Friday from nine to five. Closed on Saturday and Sunday.\n\
        Address: 12 Willow Lane, next to the library. There is free parking behind the building.\n\
        Services: check-up, 60 dollars, 30 minutes; cleaning, 90 dollars, 45 minutes; whitening, 250 dollars, one hour.";

    fn tools() -> Value {
        let tool = |name: &str, properties: Value| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object", "properties": properties } } });
        json!([
            tool("check_availability", json!({ "date": {}, "service": {} })),
            tool(
                "book_appointment",
                json!({ "date": {}, "time": {}, "service": { "enum": ["checkup", "cleaning"] }, "name": {} })
            ),
            tool("end_call", json!({})),
        ])
    }

    /// Plays a dialogue: what the caller says in turn, each answered; a tool's result is given where one is called.
    fn play(tools: &Value, said: &[&str], results: &[Value]) -> Vec<String> {
        let mut messages = vec![json!({ "role": "system", "content": SYSTEM })];
        let (mut lines, mut results) = (Vec::new(), results.iter());
        for line in said {
            messages.push(json!({ "role": "user", "content": line }));
            loop {
                let body = json!({ "model": "local", "messages": messages, "tools": tools });
                let request =
                    ChatRequest::parse(body.to_string().as_bytes()).expect("a valid request");
                let Reply { say, call } = reply(&request);
                let mut message = json!({ "role": "assistant", "content": say });
                let Some((name, arguments)) = call else {
                    lines.push(say);
                    messages.push(message);
                    break;
                };
                let arguments = Value::Object(arguments).to_string();
                lines.push(format!("{say}[{name} {arguments}]"));
                message["tool_calls"] = json!([{ "id": "c1", "type": "function", "function": { "name": name, "arguments": arguments } }]);
                messages.push(message);
                let Some(result) = results.next() else { break };
                messages.push(
                    json!({ "role": "tool", "tool_call_id": "c1", "content": result.to_string() }),
                );
            }
        }
        lines
    }

    fn ask(line: &str) -> String {
        play(&json!([]), &[line], &[]).remove(0)
    }

    #[test]
    fn answers_from_the_facts() {
        assert_eq!(ask("Hello."), "Hello! How can I help you?");
        assert_eq!(
            ask("What are your opening hours?"),
            "Our opening hours are Monday to Friday from nine to five. Closed on Saturday and Sunday."
        );
        assert_eq!(
            ask("Are you open on Saturday?"),
            "I'm sorry, we are closed on Saturday."
        );
        assert_eq!(
            ask("And are you open on Wednesdays?"),
            "Yes. Our opening hours are Monday to Friday from nine to five. Closed on Saturday and Sunday."
        );
        assert_eq!(
            ask("Where are you?"),
            "We are at 12 Willow Lane, next to the library. There is free parking behind the building."
        );
        assert_eq!(
            ask("Can I park there?"),
            "There is free parking behind the building."
        );
        assert_eq!(
            ask("How much is a cleaning?"),
            "A cleaning is 90 dollars and takes 45 minutes."
        );
        assert_eq!(
            ask("What services do you offer?"),
            "We offer check-up, cleaning and whitening. Which one are you interested in?"
        );
        assert!(ask("Blue elephants dance.").starts_with("I'm sorry, I didn't quite catch that."));
        assert_eq!(
            ask("Thanks!"),
            "You're welcome. Is there anything else I can help you with?"
        );
        assert_eq!(
            ask("That's all, goodbye."),
            "Thank you for calling. Goodbye!"
        );
    }

    #[tokio::test]
    async fn goes_on_from_her_own_words() {
        let body = json!({ "model": "local", "messages": [
            { "role": "system", "content": SYSTEM },
            { "role": "user", "content": "Can I park there?" },
            { "role": "assistant", "content": "There is free" },
        ] });
        let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a valid request");
        let mut answer = complete(&request);
        let mut said = String::new();
        while let Some(Delta::Content(text)) = answer.recv().await {
            said.push_str(&text);
        }
        assert_eq!(said, " parking behind the building.");
    }

    #[test]
    fn takes_a_booking_step_by_step_without_tools() {
        let lines = play(
            &json!([]),
            &[
                "I'd like to book an appointment.",
                "A cleaning, please.",
                "Tomorrow.",
                "At half past ten.",
                "It's Anna Lee.",
                "No, thank you.",
            ],
            &[],
        );
        assert_eq!(
            lines,
            [
                "Of course. What would you like to come in for?",
                "What day would suit you?",
                "What time would you like to come?",
                "May I have your name, please?",
                "Thank you, Anna Lee. That's a cleaning on Wednesday, November 25 at 10:30 am. Someone will call you to confirm. Is there anything else?",
                "Thank you for calling. Goodbye!",
            ]
        );
    }

    #[test]
    fn books_with_the_tools() {
        let lines = play(
            &tools(),
            &[
                "Can I book a check-up on Friday?",
                "The second one, ten thirty.",
                "My name is Sam Okafor",
                "Yes.",
            ],
            &[
                json!({ "slots": ["09:00", "10:30", "14:00"] }),
                json!({ "ok": true, "id": "b-1" }),
            ],
        );
        assert_eq!(
            lines,
            [
                r#"[check_availability {"date":"2026-11-27","service":"check-up"}]"#,
                "On Friday I have nine, ten thirty or two. Which would you like?",
                "May I have your name, please?",
                "So that's a check-up on Friday, November 27 at 10:30 am, for Sam Okafor. It costs 60 dollars. Shall I book it?",
                r#"[book_appointment {"date":"2026-11-27","name":"Sam Okafor","service":"checkup","time":"10:30"}]"#,
                "You're booked for a check-up on Friday, November 27 at 10:30 am. Is there anything else?",
            ]
        );
    }

    #[test]
    fn says_when_a_tool_fails_and_when_nothing_is_free() {
        let failed = play(
            &tools(),
            &["Book a cleaning tomorrow at 9, my name is Ann."],
            &[json!({ "ok": false, "error": "the calendar is down" })],
        );
        assert_eq!(
            failed.last().map(String::as_str),
            Some("I'm sorry, that did not work. I can take a message. What shall I pass on?")
        );
        let full = play(
            &tools(),
            &["Book a cleaning tomorrow"],
            &[json!({ "slots": [] })],
        );
        assert_eq!(
            full.last().map(String::as_str),
            Some("I'm sorry, there is nothing free then. What other day would suit you?")
        );
    }

    #[test]
    fn a_question_in_a_booking_is_answered_and_the_booking_goes_on() {
        let lines = play(
            &json!([]),
            &["I want to book a whitening", "How much is that?"],
            &[],
        );
        assert_eq!(
            lines[1],
            "A whitening is 250 dollars and takes one hour. What day would suit you?"
        );
    }

    #[test]
    fn cancels_under_a_name() {
        let tools = json!([{ "type": "function", "function": { "name": "cancel_appointment",
            "parameters": { "properties": { "name": {} } } } }]);
        let lines = play(
            &tools,
            &["I need to cancel my appointment", "Anna Lee"],
            &[json!({ "ok": true })],
        );
        assert_eq!(
            lines[1..],
            [
                r#"[cancel_appointment {"name":"Anna Lee"}]"#,
                "Your appointment is cancelled. Is there anything else?"
            ]
        );
        assert!(play(&json!([]), &["Can I reschedule?"], &[])[0].contains("call you back"));
    }

    #[test]
    fn ends_and_transfers_the_call_with_the_tools_it_is_offered() {
        assert_eq!(
            play(&tools(), &["Goodbye"], &[])[0],
            "Thank you for calling. Goodbye![end_call {}]"
        );
        let tool = |name: &str| {
            json!({ "type": "function", "function": { "name": name, "parameters":
            { "type": "object", "properties": { "reason": { "type": "string" } }, "additionalProperties": false } } })
        };
        let tools = json!([tool("end_call"), tool("transfer_call")]);
        for line in [
            "I would like to speak to a person.",
            "Can I talk to a real human, please?",
            "Could you put me through to someone?",
            "Please transfer me to the manager.",
        ] {
            assert_eq!(
                play(&tools, &[line], &[])[0],
                "Of course, one moment please.[transfer_call {}]",
                "{line}"
            );
        }
        for line in ["That's all, thank you. Goodbye.", "No, thank you.", "Bye!"] {
            assert_eq!(
                play(&tools, &[line], &[])[0],
                "Thank you for calling. Goodbye![end_call {}]",
                "{line}"
            );
        }
        assert_eq!(
            play(&tools, &["How much is a cleaning?"], &[])[0],
            "A cleaning is 90 dollars and takes 45 minutes."
        );
        let without = play(&json!([tool("end_call")]), &["The operator, please."], &[]);
        assert!(without[0].contains("take a message"), "{without:?}");
    }
}
