use proptest::prelude::*;

use super::*;

/// One line of each kind, with the shapes of real ones; names, sound and token are made up.
const STREAM: &str = include_str!("../../../fixtures/twilio-stream.jsonl");

fn sid() -> StreamSid {
    "MZ18ad3ab5a668481ce02b83e7395059f0".parse().unwrap()
}

fn lines() -> Vec<&'static str> {
    STREAM.lines().collect()
}

fn start_with(from: &str, to: &str) -> Result<Message, MessageError> {
    assert!(lines()[1].contains(from), "{from}");
    parse(&lines()[1].replace(from, to), None)
}

#[test]
fn a_stream_is_read() {
    let read: Vec<_> = lines()
        .iter()
        .map(|line| parse(line, Some(&sid())).unwrap())
        .collect();
    assert_eq!(
        read,
        [
            Message::Connected,
            Message::Start(Start {
                account: AccountSid::parse("AC5ef8732a3c49700934481addd5ce1659").unwrap(),
                call: "CA2a3b4c5d6e7f8091a2b3c4d5e6f70819".parse().unwrap(),
                stream: sid(),
                token: Some("abc.def".to_owned()),
            }),
            Message::Media(Media {
                sequence: 2,
                payload: vec![0x7F, 0xFD, 0xFF, 0xFF],
            }),
            Message::Dtmf('1'),
            Message::Mark("t3-p0-g1".to_owned()),
            Message::Stop,
            Message::Unknown,
        ]
    );
}

#[test]
fn numbers_come_with_and_without_quotes() {
    let with = |number: &str| {
        let number = format!(r#""sequenceNumber":{number}"#);
        parse(
            &lines()[2].replace(r#""sequenceNumber":"2""#, &number),
            None,
        )
    };
    assert!(with("2").is_ok());
    assert_eq!(with("2"), with(r#""2""#));
    for wrong in [r#""-2""#, "-2", "2.5", r#""two""#, "null", "[2]", "{}"] {
        assert_eq!(with(wrong), Err(MessageError::Malformed), "{wrong}");
    }
}

#[test]
fn a_start_without_a_token_says_so() {
    let Ok(Message::Start(start)) = start_with(r#"{"token":"abc.def"}"#, "{}") else {
        panic!();
    };
    assert_eq!(start.token, None);
    let Ok(Message::Start(start)) = start_with(r#","customParameters":{"token":"abc.def"}"#, "")
    else {
        panic!();
    };
    assert_eq!(start.token, None);
}

#[test]
fn a_printed_message_hides_what_was_said_and_the_token() {
    let start = parse(lines()[1], None).unwrap();
    assert!(!format!("{start:?}").contains("abc.def"));
    let digit = parse(lines()[3], None).unwrap();
    assert!(!format!("{digit:?}").contains('1'));
}

#[test]
fn other_sound_is_refused() {
    for (from, to) in [
        ("audio/x-mulaw", "audio/l16"),
        ("8000", "16000"),
        (r#""channels":1"#, r#""channels":2"#),
    ] {
        assert_eq!(
            start_with(from, to),
            Err(MessageError::UnsupportedFormat),
            "{to}"
        );
    }
    assert!(start_with("8000", r#""8000""#).is_ok());
}

#[test]
fn every_message_of_a_stream_names_it() {
    let other: StreamSid = format!("MZ{}", "0".repeat(32)).parse().unwrap();
    for line in &lines()[1..6] {
        let nameless = line.replace(r#""streamSid""#, r#""other""#);
        assert_eq!(
            parse(&nameless, None),
            Err(MessageError::Malformed),
            "{line}"
        );
        let foreign = Err(MessageError::ForeignStream);
        assert_eq!(parse(line, Some(&other)), foreign, "{line}");
    }
    let twisted = lines()[1].replacen("MZ18", "MZ19", 1);
    assert_eq!(parse(&twisted, None), Err(MessageError::ForeignStream));
    assert_eq!(
        parse(&twisted, Some(&sid())),
        Err(MessageError::ForeignStream)
    );
}

#[test]
fn what_cannot_be_read_is_malformed() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"event":5}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"stop"}"#,
        &lines()[2].replace("f/3//w==", "f/3//w="),
        &lines()[2].replace("f/3//w==", "f_3__w=="),
        &lines()[2].replace(r#""payload":"f/3//w==""#, ""),
        &lines()[3].replace(r#""digit":"1""#, r#""digit":"12""#),
        &lines()[3].replace(r#""digit":"1""#, r#""digit":"x""#),
        &lines()[4].replace(r#""name":"t3-p0-g1""#, r#""name":7"#),
        &lines()[1].replace("CA2a", "CAxx"),
        &lines()[1].replace("AC5e", "A/5e"),
    ] {
        assert_eq!(parse(text, None), Err(MessageError::Malformed), "{text}");
    }
}

#[test]
fn an_unknown_event_may_hold_anything() {
    let text = r#"{"event":"new","media":7,"start":[],"mark":null,"dtmf":{"digit":"long"}}"#;
    assert_eq!(parse(text, Some(&sid())), Ok(Message::Unknown));
}

#[test]
fn what_is_sent() {
    assert_eq!(
        media(&sid(), &[0x7F, 0xFD, 0xFF, 0xFF]),
        r#"{"event":"media","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","media":{"payload":"f/3//w=="}}"#
    );
    assert_eq!(
        mark(&sid(), "t3-p0-g1"),
        r#"{"event":"mark","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","mark":{"name":"t3-p0-g1"}}"#
    );
    assert_eq!(
        clear(&sid()),
        r#"{"event":"clear","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#
    );
    let frame = media(&sid(), &[0xFF; 160]);
    assert_eq!(
        frame.len(),
        frame.capacity(),
        "one allocation holds a frame"
    );
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in ".{0,200}") {
        let _ = parse(&text, None);
    }

    #[test]
    fn no_damage_is_too_strange(
        line in 0..7_usize,
        at in any::<prop::sample::Index>(),
        with in "[\\PC]{0,3}",
        cut in 0..40_usize,
    ) {
        let mut chars: Vec<char> = lines()[line].chars().collect();
        let at = at.index(chars.len());
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, with.chars());
        let _ = parse(&chars.into_iter().collect::<String>(), Some(&sid()));
    }

    #[test]
    fn sound_comes_back_as_it_went(payload in prop::collection::vec(any::<u8>(), 0..400)) {
        // What is sent has no counters; what the company sends has.
        let text = media(&sid(), &payload)
            .replace(r#"{"event""#, r#"{"sequenceNumber":"9","event""#)
            .replace(r#""payload""#, r#""timestamp":"5","payload""#);
        let expected = Message::Media(Media { sequence: 9, payload });
        prop_assert_eq!(parse(&text, Some(&sid())), Ok(expected));
    }

    #[test]
    fn a_marks_name_comes_back_as_it_went(name in "\\PC{0,40}|[\"\\\\\u{0}-\u{1f}]{0,8}") {
        prop_assert_eq!(parse(&mark(&sid(), &name), Some(&sid())), Ok(Message::Mark(name)));
    }
}
