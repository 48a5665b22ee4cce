use super::*;

fn tone(samples: usize) -> Vec<u8> {
    (0..samples)
        .map(|n| (8_000.0 * (core::f32::consts::TAU * 300.0 * n as f32 / 24_000.0).sin()) as i16)
        .flat_map(i16::to_le_bytes)
        .collect()
}

/// Renders quantum by quantum until `samples` of the context are out.
fn render(playback: &mut Playback, samples: usize) -> (Vec<f32>, u64) {
    let mut out = vec![0.0; samples];
    let read = out
        .chunks_mut(128)
        .map(|quantum| playback.render(quantum))
        .sum();
    (out, read)
}

/// The largest step from one sample to the next: a click is a large one. The tone's own is 0.0096 at 48 kHz.
fn steepest(sound: &[f32]) -> f32 {
    sound
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max)
}

#[test]
fn every_sample_is_read_once_at_any_rate() {
    for rate in [16_000.0, 44_100.0, 48_000.0] {
        let mut playback = Playback::new(rate, 30_000);
        playback.enqueue(&tone(24_000));
        let (_, read) = render(&mut playback, rate as usize / 2);
        assert!(
            (11_990..=12_010).contains(&read),
            "{read} of half a second at {rate}"
        );
        let (_, rest) = render(&mut playback, rate as usize);
        assert_eq!(read + rest, 24_000);
        assert!(!playback.is_sounding());
    }
}

#[test]
fn a_pause_keeps_the_rest_and_clicks_neither_there_nor_at_the_resume() {
    let mut playback = Playback::new(48_000.0, 30_000);
    playback.enqueue(&tone(24_000));
    let (mut sound, before) = render(&mut playback, 10_000);
    playback.pause();
    let (pause, read) = render(&mut playback, 1_280);
    assert_eq!(read, 0);
    assert!(
        pause[192..].iter().all(|value| *value == 0.0),
        "4 ms and no more"
    );
    assert!(!playback.is_sounding());
    sound.extend(pause);
    playback.resume();
    let (rest, after) = render(&mut playback, 48_000);
    assert_eq!(before + after, 24_000);
    sound.extend(rest);
    assert!(steepest(&sound) < 0.012, "a click of {}", steepest(&sound));
}

#[test]
fn a_flush_fades_and_counts_what_it_plays() {
    let mut playback = Playback::new(48_000.0, 30_000);
    playback.enqueue(&tone(24_000));
    let (mut sound, before) = render(&mut playback, 10_000);
    let faded = playback.fade_out(u64::MAX);
    assert!((90..=96).contains(&faded), "{faded} samples in 4 ms");
    playback.discard(24_000 - before - faded);
    let (after, read) = render(&mut playback, 1_280);
    assert_eq!(read, 0);
    assert!(after[192..].iter().all(|value| *value == 0.0));
    sound.extend(after);
    assert!(steepest(&sound) < 0.012, "a click of {}", steepest(&sound));
}

#[test]
fn a_fade_never_takes_what_belongs_to_the_next_turn() {
    let mut playback = Playback::new(48_000.0, 30_000);
    playback.enqueue(&tone(1_000));
    render(&mut playback, 256);
    assert_eq!(playback.fade_out(10), 10);
    let (_, read) = render(&mut playback, 48_000);
    assert_eq!(read, 1_000 - 127 - 10);
}

#[test]
fn a_full_ring_overwrites_nothing() {
    let mut playback = Playback::new(48_000.0, 1_000);
    playback.enqueue(&tone(1_500));
    let (_, read) = render(&mut playback, 12_800);
    assert_eq!(read, 1_000);
}
