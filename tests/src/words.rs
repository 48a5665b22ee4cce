//! What is said in the tests of a call, whichever door it comes in by.

/// What she says first.
pub const GREETING: &str = "Hello, this is Voxanne at Willow Lane Dental. How can I help you?";
/// Her answer about the hours, in its two pieces.
pub const FIRST: &str = "We are open from nine to five every single working day.";
pub const SECOND: &str =
    "On Saturday and on Sunday we are closed all day long, and on holidays as well.";
/// Her answer about Monday.
pub const ANSWER: &str = "We can see you on Monday at ten.";

/// What is made beside every first call, to be there when a provider has failed.
pub const FOR_TROUBLE: [&str; 3] = [
    "I'm sorry, I'm having trouble just now. Could you say that again?",
    "I'm sorry, I can't hear you any more. Please call again in a few minutes.",
    "I'm sorry, I can't look that up just now. Please tell me your name, your number and what it is about, and somebody will call you back.",
];

/// A caller who asks about the hours, and then about Monday.
pub const SCRIPT: &str = r#"{
    "utterances": ["what are your opening hours", "can I come on Monday instead"],
    "replies": [
        { "when": "Monday", "say": "We can see you on Monday at ten." },
        { "when": "hours", "say": "We are open from nine to five every single working day. On Saturday and on Sunday we are closed all day long, and on holidays as well." }
    ]
}"#;
