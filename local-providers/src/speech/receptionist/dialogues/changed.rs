//! Appointments that are moved and cancelled, and messages.

use front_desk::tool::Outcome;

use super::{MOBILE, Practice};

#[test]
fn an_appointment_is_cancelled_under_its_name_and_number() {
    let open = || {
        let mut practice = Practice::open();
        practice.book("cleaning", "2026-11-27", "10:00", "Eve Adams", MOBILE);
        practice
    };
    let cancelled =
        "Your cleaning on Friday, November 27 at 10 am is cancelled. Is there anything else?";
    let mut practice = open();
    practice.call(MOBILE).play(&[
        (
            "I need to cancel my appointment.",
            "Of course. Please tell me whose name the appointment is under.",
        ),
        (
            "Zed Smith.",
            r#"[cancel_appointment {"name":"Zed Smith"}] I'm sorry, there is no coming appointment under that name and telephone number. Please tell me whose name the appointment is under."#,
        ),
        ("It's Eve Adams.", &format!(r#"[cancel_appointment {{"name":"Eve Adams"}}] {cancelled}"#)),
        ("No thanks.", "Thank you for calling. Goodbye![end_call {}] "),
    ]);
    assert!(practice.booked().is_empty());

    let mut practice = open();
    let at_once = practice
        .call(MOBILE)
        .say("Hello, this is Eve Adams, please cancel my appointment on Friday.");
    assert!(at_once.ends_with(cancelled), "{at_once}");

    // From a page no number calls, so it is asked for.
    let mut practice = open();
    let mut call = practice.call(None);
    call.say("cancel my appointment");
    call.play(&[
        (
            "Eve Adams",
            "And which telephone number was given with the booking?",
        ),
        (
            "202 555 0143",
            &format!(
                r#"[cancel_appointment {{"name":"Eve Adams","phone":"2025550143"}}] {cancelled}"#
            ),
        ),
    ]);

    let mut practice = open();
    let mut call = practice.call(None);
    call.say("cancel my appointment");
    call.say("Eve Adams");
    call.play(&[
        (
            "I don't know it.",
            r#"[cancel_appointment {"name":"Eve Adams"}] I'm sorry, without that number I cannot change it. I can take a message. What shall I pass on?"#,
        ),
        (
            "Tell them I called.",
            r#"[take_message {"name":"Eve Adams","text":"Tell them I called."}] Thank you, I've passed that on. Is there anything else?"#,
        ),
    ]);
    assert_eq!(practice.booked().len(), 1);
}

#[test]
fn of_several_appointments_one_is_chosen() {
    let mut practice = Practice::open();
    practice.book("cleaning", "2026-11-27", "10:00", "Eve Adams", MOBILE);
    practice.book("check-up", "2026-11-30", "13:00", "Eve Adams", MOBILE);
    practice.call(MOBILE).play(&[
        (
            "This is Eve Adams, I want to cancel my appointment",
            r#"[cancel_appointment {"name":"Eve Adams"}] You have cleaning on Friday, November 27 at 10 am or check-up on Monday, November 30 at 1 pm. Which one is it?"#,
        ),
        (
            "The one on Friday.",
            r#"[cancel_appointment {"date":"2026-11-27","name":"Eve Adams"}] Your cleaning on Friday, November 27 at 10 am is cancelled. Is there anything else?"#,
        ),
    ]);
    assert_eq!(
        practice.booked(),
        ["check-up 2026-11-30 13:00 Eve Adams +12025550143"]
    );
}

#[test]
fn an_appointment_is_moved() {
    let mut practice = Practice::open();
    practice.book("cleaning", "2026-11-27", "10:00", "Eve Adams", MOBILE);
    practice.book("haircut", "2026-11-24", "14:00", "Ann Two", None);
    practice.call(MOBILE).play(&[
        (
            "I'd like to move my appointment from Friday to Monday.",
            "Of course. Please tell me whose name the appointment is under.",
        ),
        ("Eve Adams", "What time would you like to come?"),
        (
            "At half past ten",
            r#"[reschedule_appointment {"current":"2026-11-27","date":"2026-11-30","name":"Eve Adams","time":"10:30"}] That's moved. You now have a cleaning on Monday, November 30 at 10:30 am. Is there anything else?"#,
        ),
        (
            "Actually, can I reschedule it again?",
            "Of course. What day and time would you like instead?",
        ),
        (
            "Tomorrow at two",
            r#"[reschedule_appointment {"date":"2026-11-24","name":"Eve Adams","time":"14:00"}] I'm sorry, that time is taken. Tomorrow I have one fifteen, two thirty or three. Which would you like?"#,
        ),
        (
            "the first one",
            r#"[reschedule_appointment {"date":"2026-11-24","name":"Eve Adams","time":"13:15"}] That's moved. You now have a cleaning on Tuesday, November 24 at 1:15 pm. Is there anything else?"#,
        ),
    ]);
    assert_eq!(
        practice.booked()[0],
        "cleaning 2026-11-24 13:15 Eve Adams +12025550143"
    );
}

#[test]
fn a_message_is_taken_with_name_and_number() {
    let mut practice = Practice::open();
    practice.call(None).play(&[
        ("Can I leave a message?", "Of course. What shall I pass on?"),
        (
            "Please tell Doctor Reyes the crown is loose. I can come on Friday at ten.",
            "May I have your name, please?",
        ),
        ("Eve Adams", "And a telephone number, please?"),
        (
            "My number is 202-555-0143.",
            r#"[take_message {"name":"Eve Adams","phone":"2025550143","text":"Please tell Doctor Reyes the crown is loose. I can come on Friday at ten."}] Thank you, I've passed that on. Is there anything else?"#,
        ),
    ]);
    practice.call(MOBILE).play(&[
        (
            "I'd like to leave a message that I'll be late tomorrow.",
            "Of course. May I have your name, please?",
        ),
        (
            "Bob.",
            r#"[take_message {"name":"Bob","text":"I'll be late tomorrow."}] Thank you, I've passed that on. Is there anything else?"#,
        ),
    ]);
    practice.call(MOBILE).play(&[
        (
            "Can I talk to a human?",
            "There is nobody free right now, but I can take a message. What shall I pass on?",
        ),
        (
            "No, thank you.",
            "Thank you for calling. Goodbye![end_call {}] ",
        ),
    ]);
    let late = (
        "I'll be late tomorrow.".to_owned(),
        Some("Bob".to_owned()),
        None,
    );
    assert_eq!(practice.messages.len(), 2);
    assert_eq!(practice.messages[1], late);
    assert_eq!(practice.messages[0].2.as_deref(), Some("+12025550143"));
}

#[test]
fn what_fails_is_said_and_a_message_is_offered() {
    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A cleaning tomorrow at two, my name is Eve Adams");
    let failed = Outcome::failed().to_json();
    call.result = serde_json::from_str(&failed).ok();
    let said = call.say("Yes.");
    assert!(
        said.ends_with("I'm sorry, that did not work. I can take a message. What shall I pass on?"),
        "{said}"
    );
    call.result = serde_json::from_str(&failed).ok();
    let said = call.say("I wanted a cleaning tomorrow.");
    assert!(
        said.ends_with("I'm sorry, that did not work. Is there anything else?"),
        "{said}"
    );
}

#[test]
fn where_nothing_can_be_booked_a_message_is_taken() {
    let mut practice = Practice::open();
    practice.business.services.clear();
    practice.call(MOBILE).play(&[
        (
            "I'd like to book an appointment.",
            "I cannot book appointments here, but I can take a message. What shall I pass on?",
        ),
        (
            "I'd like an appointment on Friday.",
            "May I have your name, please?",
        ),
        (
            "Eve Adams",
            r#"[take_message {"name":"Eve Adams","text":"I'd like an appointment on Friday."}] Thank you, I've passed that on. Is there anything else?"#,
        ),
    ]);
}
