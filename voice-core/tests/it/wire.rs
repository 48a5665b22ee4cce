//! The border between browser and edge: `docs/protocol.md` is the fixture, and junk of any kind has a name.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use voice_core::audio::{MICROPHONE_FRAME, VOICE_FRAME_MAX};
use voice_core::latency::TurnOutcome;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, HEADER, Kind, MAX_FRAME};
use voice_core::wire::{
    ClientMessage, MAX_TEXT, Outcome, PROTOCOL_VERSION, Phase, RefusalCode, ServerMessage, Speaker,
    WireError,
};

const DOCUMENT: &str = include_str!("../../../docs/protocol.md");

/// The part of the document under a heading of the second level.
fn section(title: &str) -> &'static str {
    let parts = DOCUMENT
        .split("\n## ")
        .find_map(|part| part.strip_prefix(title)?.strip_prefix('\n'));
    parts.unwrap_or_else(|| panic!("no section {title:?}"))
}

/// The fenced blocks of one language.
fn blocks(text: &'static str, language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap_or_default())
        .collect()
}

/// The names of all variants of an enum, as serde lists them when it meets one that it does not know.
fn variants<T: DeserializeOwned>(unknown: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>(unknown) else {
        panic!("{unknown} is known")
    };
    let words = error.to_string();
    let names: BTreeSet<String> = words
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert!(names.len() > 1, "{words}");
    names
}

/// Parses every example of a section, and gives the types that were shown.
fn shown<M: Serialize>(title: &str, parse: fn(&str) -> Result<M, WireError>) -> BTreeSet<String> {
    let read = |example: &str| {
        let message = parse(example).unwrap_or_else(|error| panic!("{example}: {error}"));
        let written = serde_json::to_value(&message).expect("a message is JSON");
        let given: Value = serde_json::from_str(example).expect("it has just been parsed");
        assert_eq!(written, given);
        given["type"]
            .as_str()
            .expect("every message has a type")
            .to_owned()
    };
    blocks(section(title), "json")
        .into_iter()
        .map(read)
        .collect()
}

#[test]
fn every_message_is_shown_and_every_example_is_one() {
    assert_eq!(
        shown("From the browser", ClientMessage::parse),
        variants::<ClientMessage>(r#"{"type":"?"}"#)
    );
    assert_eq!(
        shown("From the edge", ServerMessage::parse),
        variants::<ServerMessage>(r#"{"type":"?"}"#)
    );
    let all = blocks(DOCUMENT, "json").len();
    let placed = blocks(section("From the browser"), "json").len()
        + blocks(section("From the edge"), "json").len();
    assert_eq!(
        all, placed,
        "an example outside the two sections is not read"
    );
}

#[test]
fn every_word_of_a_closed_list_is_explained() {
    let lists = [
        variants::<Outcome>(r#""?""#),
        variants::<Phase>(r#""?""#),
        variants::<RefusalCode>(r#""?""#),
        variants::<Speaker>(r#""?""#),
        variants::<TurnOutcome>(r#""?""#),
    ];
    for word in lists.iter().flatten() {
        assert!(
            section("From the edge").contains(&format!("`{word}`")),
            "{word}"
        );
    }
}

#[test]
fn the_limits_are_the_codes() {
    let limits = section("Limits");
    assert!(
        limits.contains(&format!("| {MAX_TEXT} bytes"))
            && limits.contains(&format!("| {MAX_FRAME} bytes"))
    );
    let sound = section("Sound");
    for figure in [
        format!("a header of {HEADER} bytes"),
        format!(
            "{MICROPHONE_FRAME} samples and {} bytes",
            HEADER + 2 * MICROPHONE_FRAME
        ),
        format!("1 to {VOICE_FRAME_MAX} samples"),
    ] {
        assert!(sound.contains(&figure), "{figure}");
    }
    assert!(section("Versions").starts_with(&format!("\nThe version is {PROTOCOL_VERSION}.")));
}

/// The bytes of a block: pairs of digits, `×` and a count to repeat the last two, and notes after a semicolon.
fn hex(block: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in block.lines() {
        let mut words = line
            .split(';')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        while let Some(word) = words.next() {
            if word == "×" {
                let count: usize = words
                    .next()
                    .and_then(|count| count.parse().ok())
                    .expect("a count");
                let sample: [u8; 2] = *bytes.last_chunk().expect("a sample");
                bytes.extend(sample.iter().cycle().take(2 * (count - 1)));
            } else {
                bytes.push(u8::from_str_radix(word, 16).expect("two hexadecimal digits"));
            }
        }
    }
    bytes
}

#[test]
fn the_frames_shown_are_frames() {
    let frames: Vec<Vec<u8>> = blocks(section("Sound"), "hex")
        .into_iter()
        .map(hex)
        .collect();
    let [microphone, voice] = frames.as_slice() else {
        panic!("{} frames", frames.len())
    };
    let samples = |frame: AudioFrame<'_>| -> Vec<i16> {
        frame
            .pcm
            .as_chunks()
            .0
            .iter()
            .map(|two| i16::from_le_bytes(*two))
            .collect()
    };

    let frame = AudioFrame::parse(microphone).expect("a frame");
    assert_eq!(
        (frame.kind, frame.turn, frame.sequence),
        (Kind::Microphone, TurnId::NONE, 42)
    );
    assert_eq!(samples(frame), [1_000; MICROPHONE_FRAME]);
    assert_eq!(frame.to_bytes(), *microphone);

    let frame = AudioFrame::parse(voice).expect("a frame");
    assert_eq!(
        (frame.kind, frame.turn.number(), frame.sequence),
        (Kind::Voice, 3, 0)
    );
    assert_eq!(samples(frame), [0, i16::MAX, i16::MIN, 1]);
    assert_eq!(frame.to_bytes(), *voice);
}

#[test]
fn a_frame_of_the_wrong_size_kind_or_version_is_refused_by_name() {
    let frame = |kind: u8, version: u8, pcm: usize| {
        let mut bytes = vec![kind, version, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.resize(HEADER + pcm, 0);
        bytes
    };
    for (bytes, expected) in [
        (vec![], WireError::Size(0)),
        (vec![1; HEADER - 1], WireError::Size(HEADER - 1)),
        (frame(0, 1, 640), WireError::Kind(0)),
        (frame(3, 1, 640), WireError::Kind(3)),
        (frame(1, 0, 640), WireError::Version(0)),
        (frame(2, 2, 640), WireError::Version(2)),
        (frame(1, 1, 0), WireError::Samples(0)),
        (frame(1, 1, 638), WireError::Samples(319)),
        (frame(1, 1, 642), WireError::Samples(321)),
        (frame(1, 1, 641), WireError::Size(HEADER + 641)),
        (frame(2, 1, 0), WireError::Samples(0)),
        (frame(2, 1, 1), WireError::Size(HEADER + 1)),
        (
            frame(2, 1, 2 * VOICE_FRAME_MAX + 2),
            WireError::Samples(VOICE_FRAME_MAX + 1),
        ),
    ] {
        assert_eq!(AudioFrame::parse(&bytes), Err(expected));
    }
    assert!(AudioFrame::parse(&frame(2, 1, 2 * VOICE_FRAME_MAX)).is_ok());
}

#[test]
fn a_text_above_the_limit_is_not_even_read() {
    let fits = format!(r#"{{"type":"hang_up"{}}}"#, " ".repeat(MAX_TEXT - 18));
    assert_eq!(fits.len(), MAX_TEXT);
    assert_eq!(ClientMessage::parse(&fits), Ok(ClientMessage::HangUp));
    assert_eq!(
        ClientMessage::parse(&format!("{fits} ")),
        Err(WireError::TooLong)
    );
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    for text in [
        r#"{"type":"played","turn":-1,"samples":0}"#,
        r#"{"type":"played","turn":4294967296,"samples":0}"#,
        r#"{"type":"played","turn":1,"samples":18446744073709551616}"#,
        r#"{"type":"played","turn":1,"samples":0.5}"#,
        r#"{"type":"played","turn":1}"#,
        r#"{"type":"played","turn":1,"samples":0,"samples":1}"#,
        r#"[{"type":"hang_up"}]"#,
        r#"{"type":"hang_up"} {"type":"hang_up"}"#,
    ] {
        assert_eq!(
            ClientMessage::parse(text),
            Err(WireError::NotAMessage),
            "{text}"
        );
    }
}

/// A frame of either kind, of a size that is allowed.
fn a_frame() -> impl Strategy<Value = (Kind, TurnId, u32, Vec<u8>)> {
    let microphone = prop::collection::vec(any::<u8>(), 2 * MICROPHONE_FRAME)
        .prop_map(|pcm| (Kind::Microphone, pcm));
    let voice = prop::collection::vec(any::<[u8; 2]>(), 1..=VOICE_FRAME_MAX)
        .prop_map(|pcm| (Kind::Voice, pcm.concat()));
    (prop_oneof![microphone, voice], any::<u32>(), any::<u32>())
        .prop_map(|((kind, pcm), turn, sequence)| (kind, TurnId::from_wire(turn), sequence, pcm))
}

/// Bytes that are often nearly a frame.
fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    let nearly = (
        0_u8..4,
        0_u8..3,
        any::<[u8; 10]>(),
        prop::sample::select(vec![0_usize, 1, 2, 639, 640, 642, 4_800, 4_802]),
    );
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        nearly.prop_map(|(kind, version, rest, pcm)| {
            let mut bytes = vec![kind, version];
            bytes.extend(rest);
            bytes.resize(HEADER + pcm, rest[0]);
            bytes
        }),
    ]
}

/// An example of the document with a stretch of it replaced.
fn a_broken_example() -> impl Strategy<Value = String> {
    let examples = blocks(DOCUMENT, "json");
    (
        prop::sample::select(examples),
        any::<prop::sample::Index>(),
        0_usize..8,
        ".{0,4}",
    )
        .prop_map(|(example, at, length, put)| {
            let characters: Vec<char> = example.chars().collect();
            let at = at.index(characters.len());
            let rest = characters.iter().skip(at + length);
            characters
                .iter()
                .take(at)
                .copied()
                .chain(put.chars())
                .chain(rest.copied())
                .collect()
        })
}

fn a_client_message() -> impl Strategy<Value = ClientMessage> {
    let turn = any::<u32>().prop_map(TurnId::from_wire);
    prop_oneof![
        any::<u32>().prop_map(|protocol| ClientMessage::Hello { protocol }),
        Just(ClientMessage::SpeechStarted),
        any::<u32>().prop_map(|silence_ms| ClientMessage::SpeechEnded { silence_ms }),
        (turn.clone(), any::<u64>())
            .prop_map(|(turn, samples)| ClientMessage::Paused { turn, samples }),
        (turn.clone(), any::<u64>())
            .prop_map(|(turn, samples)| ClientMessage::Played { turn, samples }),
        (turn, any::<u64>(), any::<u64>()).prop_map(|(turn, samples, discarded)| {
            ClientMessage::Flushed {
                turn,
                samples,
                discarded,
            }
        }),
        any::<u32>().prop_map(|id| ClientMessage::Pong { id }),
        Just(ClientMessage::HangUp),
    ]
}

proptest! {
    #[test]
    fn a_frame_survives_the_wire((kind, turn, sequence, pcm) in a_frame()) {
        let frame = AudioFrame { kind, turn, sequence, pcm: &pcm };
        let bytes = frame.to_bytes();
        prop_assert!(bytes.len() <= MAX_FRAME);
        prop_assert_eq!(AudioFrame::parse(&bytes), Ok(frame));
    }

    #[test]
    fn bytes_are_a_frame_or_refused(bytes in some_bytes()) {
        if let Ok(frame) = AudioFrame::parse(&bytes) {
            let mut written = frame.to_bytes();
            // The two bytes that a reader ignores.
            written[2..4].copy_from_slice(&bytes[2..4]);
            prop_assert_eq!(written, bytes);
        }
    }

    #[test]
    fn a_message_survives_the_wire(message in a_client_message()) {
        let text = serde_json::to_string(&message).expect("a message is JSON");
        prop_assert_eq!(ClientMessage::parse(&text), Ok(message));
    }

    #[test]
    fn words_survive_the_wire(text in any::<String>(), turn in any::<u32>(), is_final in any::<bool>(), from_sample in any::<Option<u64>>()) {
        let turn = TurnId::from_wire(turn);
        let message = ServerMessage::Caption { speaker: Speaker::Agent, turn, text, is_final, from_sample };
        let written = serde_json::to_string(&message).expect("a message is JSON");
        prop_assert_eq!(ServerMessage::parse(&written), Ok(message));
    }

    #[test]
    fn text_is_a_message_or_refused(text in prop_oneof![any::<String>(), a_broken_example()]) {
        let client = ClientMessage::parse(&text);
        if let Ok(message) = &client {
            let again = serde_json::to_string(message).expect("a message is JSON");
            prop_assert_eq!(&ClientMessage::parse(&again), &client);
        } else {
            prop_assert_eq!(client, Err(WireError::NotAMessage));
        }
        if let Err(error) = ServerMessage::parse(&text) {
            prop_assert_eq!(error, WireError::NotAMessage);
        }
    }
}
