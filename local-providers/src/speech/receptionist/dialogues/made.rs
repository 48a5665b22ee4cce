//! Appointments that are made.

use serde_json::json;

use super::{MOBILE, Practice};

#[test]
fn a_haircut_on_tuesday_afternoon() {
    let mut practice = Practice::open();
    practice.call(MOBILE).play(&[
        (
            "I'd like a haircut on Tuesday afternoon.",
            r#"[check_availability {"date":"2026-11-24","service":"Haircut","time":"afternoon"}] Tomorrow I have twelve, two or four. Which would you like?"#,
        ),
        ("Two o'clock, please.", "May I have your name, please?"),
        (
            "It's Ada Lovelace.",
            "So that's a haircut on Tuesday, November 24 at 2 pm, for Ada Lovelace. It costs 35 dollars. Shall I book it?",
        ),
        (
            "Yes, please.",
            r#"[book_appointment {"date":"2026-11-24","name":"Ada Lovelace","service":"Haircut","time":"14:00"}] You're booked for a haircut on Tuesday, November 24 at 2 pm. Is there anything else?"#,
        ),
        ("No, thank you. Goodbye.", "Thank you for calling. Goodbye![end_call {}] "),
    ]);
    assert_eq!(
        practice.booked(),
        ["haircut 2026-11-24 14:00 Ada Lovelace +12025550143"]
    );
}

#[test]
fn a_choice_is_understood_however_it_is_said() {
    for (line, time) in [
        ("The first, please.", "12 pm"),
        ("the second one", "2 pm"),
        ("The later one.", "4 pm"),
        ("the last", "4 pm"),
        ("2", "2 pm"),
        ("I'll take four.", "4 pm"),
        ("Two would be great.", "2 pm"),
        ("Half past three.", "3:30 pm"),
        ("a quarter to three please", "2:45 pm"),
        ("3:15 PM.", "3:15 pm"),
    ] {
        let mut practice = Practice::open();
        let mut call = practice.call(MOBILE);
        call.say("Good morning, I'd like a hair cut on Tues. afternoon.");
        call.say(line);
        let read_back = call.say("Ada Lovelace");
        let expected = format!("Tuesday, November 24 at {time}, for Ada Lovelace.");
        assert!(read_back.contains(&expected), "{line}: {read_back}");
    }
}

#[test]
fn what_is_missing_is_asked_one_thing_at_a_time() {
    let mut practice = Practice::open();
    practice.call(None).play(&[
        ("Hi, I'd like to book an appointment.", "Of course. What would you like to come in for?"),
        (
            "A massage.",
            "I'm sorry, I didn't catch that. We offer check-up, cleaning, whitening and haircut. Which one would you like?",
        ),
        ("A check up then.", "What day would suit you?"),
        (
            "Um, to-morrow.",
            r#"[check_availability {"date":"2026-11-24","service":"check-up"}] Tomorrow I have nine, twelve or three. Which would you like?"#,
        ),
        ("Neither of them.", "What other day or time would suit you?"),
        (
            "Do you have anything on Wednesday morning?",
            r#"[check_availability {"date":"2026-11-25","service":"check-up","time":"morning"}] On Wednesday I have nine, ten or eleven. Which would you like?"#,
        ),
        ("Nine.", "May I have your name, please?"),
        ("Sorry, what?", "I'm sorry, I didn't catch that. May I have your name, please?"),
        ("sam okafor", "And a telephone number, please?"),
        (
            "It's two oh two, five five five, zero one double nine.",
            "So that's a check-up on Wednesday, November 25 at 9 am, for Sam Okafor. It costs 60 dollars. Shall I book it?",
        ),
        (
            "Yes, that's it.",
            r#"[book_appointment {"date":"2026-11-25","name":"Sam Okafor","phone":"2025550199","service":"check-up","time":"09:00"}] You're booked for a check-up on Wednesday, November 25 at 9 am. Is there anything else?"#,
        ),
    ]);
    assert_eq!(
        practice.booked(),
        ["check-up 2026-11-25 09:00 Sam Okafor +12025550199"]
    );
}

#[test]
fn what_is_read_back_can_be_mended_and_dropped() {
    let mut practice = Practice::open();
    practice.call(MOBILE).play(&[
        (
            "A whitening tomorrow at half past three, this is Sam.",
            r#"[check_availability {"date":"2026-11-24","service":"whitening","time":"15:30"}] Tomorrow at three thirty is free. So that's a whitening on Tuesday, November 24 at 3:30 pm, for Sam. It costs 250 dollars. Shall I book it?"#,
        ),
        (
            "Is it okay to pay by card?",
            "I'm sorry, I didn't catch that. So that's a whitening on Tuesday, November 24 at 3:30 pm, for Sam. It costs 250 dollars. Shall I book it?",
        ),
        (
            "Actually, the name is Pam Okafor.",
            "So that's a whitening on Tuesday, November 24 at 3:30 pm, for Pam Okafor. It costs 250 dollars. Shall I book it?",
        ),
        ("No.", "What would you like to change?"),
        ("The time.", "Tomorrow I have three thirty. Would that suit you?"),
        (
            "Four.",
            r#"[check_availability {"date":"2026-11-24","service":"whitening","time":"16:00"}] Tomorrow at four is free. So that's a whitening on Tuesday, November 24 at 4 pm, for Pam Okafor. It costs 250 dollars. Shall I book it?"#,
        ),
        (
            "Yes, and how long does that take?",
            "A whitening is 250 dollars and takes one hour. So that's a whitening on Tuesday, November 24 at 4 pm, for Pam Okafor. It costs 250 dollars. Shall I book it?",
        ),
        ("Never mind.", "All right. Is there anything else?"),
        ("No.", "Thank you for calling. Goodbye![end_call {}] "),
    ]);
    assert!(practice.booked().is_empty());
}

#[test]
fn nothing_is_booked_that_was_not_heard() {
    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A cleaning tomorrow at two");
    let read_back = call.say("Ada Lovelace");
    // The caller spoke over the rest of it.
    let heard = "So that's a cleaning on Tuesday,";
    assert!(read_back.starts_with(heard));
    if let Some(last) = call.messages.last_mut() {
        last["content"] = json!(heard);
    }
    assert_eq!(call.say("Yes, yes."), read_back);
    assert!(call.say("Yes.").contains("You're booked"));
    assert_eq!(practice.booked().len(), 1);
}

#[test]
fn a_second_caller_is_offered_another_time() {
    let mut practice = Practice::open();
    practice.book("haircut", "2026-11-24", "14:00", "Ada Lovelace", MOBILE);
    practice.call(None).play(&[
        (
            "I'd like a haircut tomorrow at two o'clock.",
            r#"[check_availability {"date":"2026-11-24","service":"Haircut","time":"14:00"}] I'm sorry, that's not free. Tomorrow I have one, one thirty or two thirty. Which would you like?"#,
        ),
        (
            "Something later?",
            r#"[check_availability {"date":"2026-11-24","service":"Haircut","time":"15:30"}] Tomorrow I have three thirty. Would that suit you?"#,
        ),
        ("Yes.", "May I have your name, please?"),
    ]);
}

#[test]
fn a_time_that_is_taken_meanwhile_is_not_booked_twice() {
    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A haircut on Friday at eleven please, my name is Bob Lee");
    call.practice
        .book("haircut", "2026-11-27", "11:00", "Ann Two", None);
    call.play(&[
        (
            "Yes.",
            r#"[book_appointment {"date":"2026-11-27","name":"Bob Lee","service":"Haircut","time":"11:00"}] I'm sorry, that time is taken. On Friday I have ten, ten thirty or eleven thirty. Which would you like?"#,
        ),
        (
            "Half past ten.",
            "So that's a haircut on Friday, November 27 at 10:30 am, for Bob Lee. It costs 35 dollars. Shall I book it?",
        ),
    ]);
    call.say("Correct.");
    assert_eq!(
        practice.booked(),
        [
            "haircut 2026-11-27 11:00 Ann Two ",
            "haircut 2026-11-27 10:30 Bob Lee +12025550143"
        ]
    );
}

#[test]
fn a_refusal_is_said_with_what_is_free_instead() {
    for (line, answer) in [
        (
            "I'd like a cleaning on Saturday.",
            "I'm sorry, we are closed on Saturday, November 28. On Monday, November 30 I have nine, twelve or two. Which would you like?",
        ),
        (
            "Book me a cleaning on Thursday at ten",
            "I'm sorry, we are closed on Thursday, November 26: Thanksgiving. On Friday I have nine, twelve or two. Which would you like?",
        ),
        (
            "Can I get a cleaning on Wednesday evening?",
            "I'm sorry, there is nothing free in the evening. On Wednesday I have three fifteen, three forty five or four fifteen. Which would you like?",
        ),
        (
            "A cleaning today at nine in the morning please",
            "I'm sorry, that's not free. Today I have eleven, eleven thirty or twelve. Which would you like?",
        ),
        (
            "A cleaning as soon as possible",
            "Today I have eleven, one or three. Which would you like?",
        ),
    ] {
        let mut practice = Practice::open();
        let said = practice.call(MOBILE).say(line);
        assert!(said.ends_with(answer), "{line}: {said}");
    }
    let mut practice = Practice::open();
    let said = practice.call(MOBILE).say("A cleaning on November 20th");
    assert!(
        said.contains("I'm sorry, ") && said.ends_with("What other day would suit you?"),
        "{said}"
    );
}

#[test]
fn what_was_done_unheard_is_told() {
    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A cleaning tomorrow at two, my name is Eve Adams");
    call.say("Yes.");
    // The caller spoke before she did.
    call.messages.pop();
    assert_eq!(
        call.say("Hello?"),
        "You're booked for a cleaning on Tuesday, November 24 at 2 pm. Hello! How can I help you?"
    );

    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A cleaning tomorrow at two, my name is Eve Adams");
    call.say("Yes,");
    call.messages.pop();
    // The rest of the same breath.
    assert_eq!(
        call.say("please."),
        "You're booked for a cleaning on Tuesday, November 24 at 2 pm. Is there anything else?"
    );

    let mut practice = Practice::open();
    let mut call = practice.call(MOBILE);
    call.say("A cleaning tomorrow at two, my name is Eve Adams");
    call.result = Some(json!({ "ok": false, "error": "not known yet" }));
    let said = call.say("Yes.");
    assert!(said.contains("I'm sorry, I don't know yet."), "{said}");
}

#[test]
fn an_emergency_is_seen_today() {
    let mut practice = Practice::open();
    practice.call(MOBILE).play(&[
        (
            "I have a terrible toothache.",
            "I'm sorry to hear that. We see emergencies on the same day where possible. What would you like to come in for?",
        ),
        (
            "A check-up.",
            r#"[check_availability {"date":"2026-11-23","service":"check-up"}] Today I have eleven, one or three. Which would you like?"#,
        ),
    ]);
}
