//! A voice that sings: each text is one pure tone, so that a test can tell by ear which text it hears, and how much.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::script::Script;

/// The frequency, in hertz, of the tone that stands for a text: one of 41 from 400 to 2400, 50 apart.
///
/// The choice is FNV-1a (32 bits) of the text's UTF-8 without the space around it, modulo 41.
#[must_use]
pub fn tone_of(text: &str) -> f32 {
    let hash = text.trim().bytes().fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(FNV_PRIME)
    });
    400.0 + 50.0 * (hash % TONES) as f32
}

pub(crate) fn speak(
    script: &Arc<Script>,
    text: &str,
    rate: u32,
    extra: Duration,
) -> mpsc::Receiver<Vec<i16>> {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    let latency = script.latency.clone();
    let length_ms = script.settings.ms_per_char * text.trim().chars().count() as u64;
    let frequency = f64::from(tone_of(text));
    let first_at = Instant::now() + Duration::from_millis(latency.tts_first_byte_ms) + extra;
    tokio::spawn(async move {
        sleep_until(first_at).await;
        let tone = tone(frequency, length_ms, rate);
        let chunk = (u64::from(rate) * CHUNK_MS / 1_000) as usize;
        for (index, samples) in tone.chunks(chunk).enumerate() {
            if latency.tts_realtime_factor > 0.0 {
                let after = (index as u64 * CHUNK_MS) as f64 * latency.tts_realtime_factor;
                sleep_until(first_at + Duration::from_secs_f64(after / 1e3)).await;
            }
            if sender.send(samples.to_vec()).await.is_err() {
                return;
            }
        }
    });
    receiver
}

pub(crate) fn tone(frequency: f64, length_ms: u64, rate: u32) -> Vec<i16> {
    let samples = length_ms * u64::from(rate) / 1_000;
    let fade = (f64::from(rate) * FADE_SECONDS).max(1.0);
    let sample = |index: u64| {
        let edge = (index.min(samples - 1 - index) as f64 / fade).min(1.0);
        let phase = TAU * frequency * index as f64 / f64::from(rate);
        (AMPLITUDE * f64::from(i16::MAX) * edge * phase.sin()).round() as i16
    };
    (0..samples).map(sample).collect()
}

const FNV_OFFSET: u32 = 0x811C_9DC5;
const FNV_PRIME: u32 = 0x0100_0193;

/// A prime, so that texts of one pattern do not fall on few tones.
const TONES: u32 = 41;

const AMPLITUDE: f64 = 0.3;

/// Without a fade the ends click, and a click has every frequency.
const FADE_SECONDS: f64 = 0.005;

/// How much sound a frame holds before it is cut to an odd size.
const CHUNK_MS: u64 = 40;

/// How far the voice runs ahead of a socket that is slow to take it.
const CHUNKS_WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_lie_on_the_grid_and_never_move() {
        // FNV-1a's published value of "a" is 0xE40C292C.
        assert_eq!(tone_of("a"), 400.0 + 50.0 * (0xE40C_292C_u32 % 41) as f32);
        assert_eq!(tone_of(" We are open. "), tone_of("We are open."));
        let tones: std::collections::BTreeSet<u32> = (0..400)
            .map(|number| tone_of(&format!("sentence {number}")) as u32)
            .collect();
        assert_eq!(
            (tones.len(), tones.first(), tones.last()),
            (41, Some(&400), Some(&2_400))
        );
    }

    #[test]
    fn a_tone_has_its_pitch_its_length_and_soft_ends() {
        let tone = tone(500.0, 200, 8_000);
        assert_eq!(tone.len(), 1_600);
        let crossings = tone
            .windows(2)
            .filter(|pair| pair[0] < 0 && pair[1] >= 0)
            .count();
        assert!((98..=101).contains(&crossings), "{crossings}");
        assert!(
            tone[..4]
                .iter()
                .chain(&tone[1_596..])
                .all(|sample| sample.abs() < 1_500)
        );
        assert!((9_700..=9_900).contains(&tone.iter().copied().max().unwrap_or(0)));
    }
}
