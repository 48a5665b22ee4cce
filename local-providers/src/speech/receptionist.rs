//! A receptionist by rules, behind the chat-completions protocol: what stands in for a language model on a machine without
//! one. She answers from the facts in the system prompt, takes a booking step by step, and calls the tools she is offered.
//!
//! She remembers nothing: like a model, she reads the whole conversation each time.

mod booking;
mod facts;
mod spoken;

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::backend::Delta;
use crate::groq::ChatRequest;
use crate::scripted::model::tokens;
use booking::Booking;
use facts::Facts;
use spoken::Words;

pub(crate) fn complete(request: &ChatRequest) -> mpsc::Receiver<Delta> {
    let (sender, receiver) = mpsc::channel(1);
    let deltas = answer(request);
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

/// What a caller may want, in the order in which it is looked for: a booking is asked for in the words of a service,
/// so its rule comes before the services', and politeness comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Goodbye,
    Emergency,
    Person,
    Message,
    Change,
    Booking,
    Hours,
    Parking,
    Address,
    Price,
    Services,
    Identity,
    Thanks,
    Greeting,
    No,
}

const RULES: [(Intent, &[&str]); 15] = [
    (
        Intent::Goodbye,
        &[
            "goodbye",
            "good bye",
            "bye",
            "that's all",
            "that is all",
            "that's it",
            "nothing else",
            "have a nice day",
            "no thank you",
            "no thanks",
        ],
    ),
    (
        Intent::Emergency,
        &[
            "emergency",
            "urgent",
            "toothache",
            "in pain",
            "bleeding",
            "swollen",
            "broke a tooth",
            "broken tooth",
        ],
    ),
    (
        Intent::Person,
        &[
            "a person",
            "real person",
            "human",
            "speak to someone",
            "speak with someone",
            "talk to someone",
            "put me through",
            "transfer me",
            "connect me",
            "the manager",
            "operator",
        ],
    ),
    (
        Intent::Message,
        &[
            "leave a message",
            "take a message",
            "pass on a message",
            "tell the doctor",
            "call me back",
        ],
    ),
    (
        Intent::Change,
        &[
            "cancel",
            "reschedule",
            "move my appointment",
            "change my appointment",
        ],
    ),
    (
        Intent::Booking,
        &[
            "appointment",
            "book",
            "booking",
            "schedule",
            "come in",
            "see the dentist",
            "see someone",
            "reserve",
            "availability",
            "available",
        ],
    ),
    (
        Intent::Hours,
        &[
            "hours",
            "open",
            "opening",
            "close",
            "closed",
            "what time do you",
        ],
    ),
    (Intent::Parking, &["parking", "park"]),
    (
        Intent::Address,
        &[
            "address",
            "where are you",
            "where is",
            "located",
            "location",
            "find you",
            "directions",
            "get there",
        ],
    ),
    (
        Intent::Price,
        &[
            "how much",
            "price",
            "prices",
            "cost",
            "costs",
            "charge",
            "expensive",
            "fee",
            "fees",
        ],
    ),
    (
        Intent::Services,
        &[
            "services",
            "do you do",
            "do you offer",
            "treatments",
            "what can you do",
            "how long",
        ],
    ),
    (
        Intent::Identity,
        &[
            "who are you",
            "are you a robot",
            "are you real",
            "your name",
            "who is this",
            "is this a machine",
        ],
    ),
    (
        Intent::Thanks,
        &["thank you", "thanks", "great", "perfect", "lovely"],
    ),
    (
        Intent::Greeting,
        &[
            "hello",
            "hi",
            "hey",
            "good morning",
            "good afternoon",
            "good evening",
        ],
    ),
    (Intent::No, &["no", "nope", "not really"]),
];

fn intent(words: &Words) -> Option<Intent> {
    RULES
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| words.contain(phrase)))
        .map(|(intent, _)| *intent)
}

fn reply(request: &ChatRequest) -> Reply {
    let facts = Facts::of(request);
    let said = Words::of(&request.last_user());
    let booking = Booking::of(request, &facts);
    if request.ends_with_tool_result() {
        return booking.after_tool(request);
    }
    if booking.is_changing() {
        return booking.change(request, &said);
    }
    let Some(intent) = intent(&said) else {
        return match booking.open {
            true => booking.next_step(request),
            false if !said.is_empty() && facts.service_in(&said).is_some() => priced(&facts, &said),
            false if message_was_offered(request) => took_message(request),
            false => Reply::say(
                "I'm sorry, I didn't quite catch that. I can tell you our opening hours and prices, or book an appointment for you.",
            ),
        };
    };
    let aside = |reply: String| match booking.open {
        // A question in the middle of a booking is answered, and the booking goes on.
        true => Reply::say(format!("{reply} {}", booking.question())),
        false => Reply::say(reply),
    };
    match intent {
        Intent::Goodbye => goodbye(request),
        Intent::Booking => booking.next_step(request),
        Intent::Emergency if !booking.open => Reply::say(
            "I'm sorry to hear that. We see emergencies on the same day where possible. May I have your name, and what time could you come in?",
        ),
        Intent::Emergency | Intent::Thanks | Intent::Greeting | Intent::No if booking.open => {
            booking.next_step(request)
        }
        Intent::Person => match request.tool("transfer_call") {
            Some(tool) => Reply::call("transfer_call", booking::arguments(tool, &booking.details))
                .after("Of course, one moment please."),
            None => Reply::say(
                "There is nobody free right now, but I can take a message. What shall I pass on?",
            ),
        },
        Intent::Message => Reply::say("Of course. What shall I pass on, and what is your name?"),
        Intent::Change => booking.change(request, &said),
        Intent::Hours => aside(facts.hours_for(&said)),
        Intent::Parking => aside(facts.parking()),
        Intent::Address => aside(facts.address()),
        Intent::Price | Intent::Services => {
            aside(facts.prices_for(&said, booking.details.service()))
        }
        Intent::Identity => aside(format!(
            "I'm Voxanne, the automated receptionist at {}.",
            facts.business
        )),
        Intent::Thanks | Intent::Emergency => {
            Reply::say("You're welcome. Is there anything else I can help you with?")
        }
        Intent::Greeting => Reply::say("Hello! How can I help you?"),
        Intent::No => goodbye(request),
    }
}

fn priced(facts: &Facts, said: &Words) -> Reply {
    Reply::say(format!(
        "{} Would you like to book one?",
        facts.prices_for(said, None)
    ))
}

fn goodbye(request: &ChatRequest) -> Reply {
    let words = "Thank you for calling. Goodbye!";
    match request.tool("end_call") {
        Some(tool) => Reply::call(
            "end_call",
            booking::arguments(tool, &booking::Details::default()),
        )
        .after(words),
        None => Reply::say(words),
    }
}

fn message_was_offered(request: &ChatRequest) -> bool {
    let last = request
        .messages
        .iter()
        .rfind(|message| message.role == "assistant");
    last.is_some_and(|message| message.text().contains("pass on"))
}

fn took_message(request: &ChatRequest) -> Reply {
    let Some(tool) = request.tool("take_message") else {
        return Reply::say("Thank you, I'll pass that on. Is there anything else?");
    };
    Reply::call(
        "take_message",
        booking::arguments(tool, &booking::Details::of_message(request.last_user())),
    )
}

/// About what a small fast model does.
const TOKEN: Duration = Duration::from_millis(12);

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
                json!({ "date": {}, "time": {}, "service": { "enum": ["checkup", "cleaning"] }, "caller_name": {} })
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
                "Thank you, Anna Lee. That's a cleaning tomorrow at ten thirty. Someone will call you to confirm. Is there anything else?",
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
                r#"[book_appointment {"caller_name":"Sam Okafor","date":"2026-11-27","service":"checkup","time":"10:30"}]"#,
                "You're booked for a check-up on Friday at ten thirty. Is there anything else?",
            ]
        );
    }

    #[test]
    fn says_when_a_booking_fails_and_when_nothing_is_free() {
        let failed = play(
            &tools(),
            &["Book a cleaning tomorrow at 9, my name is Ann."],
            &[json!({ "ok": false, "error": "taken" })],
        );
        assert_eq!(
            failed.last().map(String::as_str),
            Some("I'm sorry, that time is not available. What other time would suit you?")
        );
        let full = play(
            &tools(),
            &["Book a cleaning tomorrow"],
            &[json!({ "slots": [] })],
        );
        assert_eq!(
            full.last().map(String::as_str),
            Some("I'm sorry, there is nothing free tomorrow. What other day would suit you?")
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
