use super::*;

fn frame(turn: u32, sequence: u32, samples: usize) -> Vec<u8> {
    let pcm: Vec<u8> = (0..samples)
        .map(|n| (6_000.0 * (n as f32 / 9.0).sin()) as i16)
        .flat_map(i16::to_le_bytes)
        .collect();
    AudioFrame {
        kind: Kind::Voice,
        turn: TurnId::from_wire(turn),
        sequence,
        pcm: &pcm,
    }
    .to_bytes()
}

fn receive(engine: &mut Engine, bytes: &[u8]) {
    engine.voice[..bytes.len()].copy_from_slice(bytes);
    engine.receive(bytes.len());
}

fn quanta(engine: &mut Engine, count: usize) {
    for _ in 0..count {
        let now = engine.now + 128_000.0 / 48_000.0;
        engine.process(QUANTUM, now);
    }
}

fn events(engine: &mut Engine) -> Vec<Event> {
    engine.events.drain(..).map(|(event, _)| event).collect()
}

#[test]
fn voice_is_played_and_accounted_for() {
    let mut engine = Engine::new(48_000.0);
    for sequence in 0..5 {
        receive(&mut engine, &frame(1, sequence, 2_400));
    }
    quanta(&mut engine, 100);
    engine.control(1, 1);
    quanta(&mut engine, 100);
    let events = events(&mut engine);
    assert!(matches!(events.first(), Some(Event::Sounding(true))));
    assert!(matches!(events.last(), Some(Event::Sounding(false))));
    let flushed = events.iter().find_map(|event| match event {
        Event::Flushed {
            turn: 1,
            played,
            discarded,
        } => Some((*played, *discarded)),
        _ => None,
    });
    let (played, discarded) = flushed.expect("a report of the flush");
    assert_eq!(played + discarded, 12_000);
    assert!((6_400..=6_500).contains(&played), "{played}");
    receive(&mut engine, &frame(1, 5, 2_400));
    quanta(&mut engine, 20);
    let totals = engine.handset.totals();
    assert_eq!(
        (totals.refused, totals.queued, totals.played),
        (2_400, 0, played)
    );
}

#[test]
fn a_frame_that_comes_twice_or_is_no_voice_is_not_played() {
    let mut engine = Engine::new(48_000.0);
    for _ in 0..2 {
        receive(&mut engine, &frame(1, 0, 100));
    }
    let mut microphone = frame(0, 0, 320);
    microphone[0] = 1;
    receive(&mut engine, &microphone);
    receive(&mut engine, &[2, 1, 0]);
    engine.receive(usize::MAX);
    assert_eq!(
        (engine.malformed, engine.handset.totals().accepted),
        (4, 100)
    );
}

#[test]
fn the_microphone_is_uplinked_once_the_call_is_open() {
    for (rate, quanta_a_second) in [(48_000.0, 375), (16_000.0, 125), (8_000.0, 63)] {
        let mut engine = Engine::new(rate);
        engine.process(QUANTUM, 0.0);
        assert!(engine.uplink.take().is_none());
        engine.control(4, 0);
        let mut frames = 0;
        for _ in 0..quanta_a_second {
            engine.process(QUANTUM, 0.0);
            frames += u32::from(engine.uplink.take().is_some());
        }
        assert!(
            (49..=51).contains(&frames),
            "{frames} frames a second at {rate}"
        );
    }
}

#[test]
fn mute_is_silence_not_a_gap() {
    let mut engine = Engine::new(48_000.0);
    engine.control(4, 0);
    engine.control(3, 1);
    engine.input = [0.5; QUANTUM];
    quanta(&mut engine, 40);
    let loud =
        |event: &Event| matches!(event, Event::Level { microphone, .. } if *microphone > 0.0);
    let heard = events(&mut engine);
    assert!(
        heard
            .iter()
            .any(|event| matches!(event, Event::Level { .. }))
    );
    assert!(!heard.iter().any(loud));
    engine.control(3, 0);
    quanta(&mut engine, 40);
    assert!(events(&mut engine).iter().any(loud));
}

#[test]
fn a_microphone_that_gives_no_numbers_does_no_lasting_harm() {
    let mut engine = Engine::new(f32::NAN);
    engine.input = [f32::NAN; QUANTUM];
    quanta(&mut engine, 40);
    engine.input = [0.25; QUANTUM];
    engine.control(4, 0);
    quanta(&mut engine, 40);
    let finite = |event: &Event| matches!(event, Event::Level { microphone, .. } if (0.2..0.3).contains(microphone));
    assert!(events(&mut engine).iter().any(finite));
}
