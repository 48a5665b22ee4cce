//! The sounds of a caller's room, synthesised and the same in every run.

use std::f32::consts::TAU;

use super::RATE;

/// Which noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cough,
    Door,
    /// An "mm-hm" with closed lips.
    Hum,
    Keyboard,
    Laugh,
    Music,
    Rustle,
}

impl Kind {
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "cough" => Self::Cough,
            "door" => Self::Door,
            "hum" => Self::Hum,
            "keyboard" => Self::Keyboard,
            "laugh" => Self::Laugh,
            "music" => Self::Music,
            "rustle" => Self::Rustle,
            _ => return None,
        })
    }

    /// Its length in milliseconds, where it has one of its own.
    pub(super) const fn length(self) -> Option<u64> {
        match self {
            Self::Cough => Some(380),
            Self::Door => Some(500),
            Self::Hum => Some(460),
            Self::Keyboard | Self::Music => None,
            Self::Laugh => Some(1_100),
            Self::Rustle => Some(700),
        }
    }

    /// How much louder than a voice it is at its loudest, as a factor.
    const fn gain(self) -> f32 {
        match self {
            Self::Cough | Self::Door => 1.2,
            Self::Hum => 0.6,
            Self::Keyboard => 0.5,
            Self::Laugh => 0.8,
            // In the same room, and not what the caller listens to: 12 dB lower.
            Self::Music => 0.25,
            Self::Rustle => 0.35,
        }
    }

    /// Its sound, with a peak of 1 where a voice has one.
    pub(super) fn sound(self, millis: u64, seed: u32) -> Vec<f32> {
        let length = RATE * usize::try_from(millis).unwrap_or(0) / 1_000;
        let mut noise = Noise::new(seed);
        let mut sound = match self {
            Self::Cough => cough(length, &mut noise),
            Self::Door => door(length, &mut noise),
            Self::Hum => hum(length, &mut noise),
            Self::Keyboard => keyboard(length, &mut noise),
            Self::Laugh => laugh(length, &mut noise),
            Self::Music => music(length, &mut noise),
            Self::Rustle => rustle(length, &mut noise),
        };
        let peak = sound
            .iter()
            .fold(0.0_f32, |most, value| most.max(value.abs()));
        let scale = self.gain() / peak.max(1e-6);
        for value in &mut sound {
            *value *= scale;
        }
        sound
    }
}

/// Two bursts of breath through a throat, the first with an edge, the second lower.
fn cough(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut throat = Band::new(noise.between(700.0, 1_100.0), 2.0);
    let mut chest = Band::new(noise.between(250.0, 400.0), 3.0);
    let second = length * 45 / 100;
    (0..length)
        .map(|n| {
            let breath = noise.next();
            let first = fall(n, 0, length / 8);
            let again = 0.6 * fall(n, second, length / 5);
            (throat.pass(breath) + 0.7 * chest.pass(breath)) * (first + again)
        })
        .collect()
}

/// A thump, and what rattles after it.
fn door(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut wood = Band::new(noise.between(70.0, 110.0), 4.0);
    let mut latch = Band::new(noise.between(1_800.0, 2_600.0), 5.0);
    (0..length)
        .map(|n| {
            let hiss = noise.next();
            4.0 * wood.pass(hiss) * fall(n, 0, RATE / 12)
                + latch.pass(hiss) * fall(n, RATE / 25, RATE / 60)
        })
        .collect()
}

/// Two syllables through the nose with a breath between them, the second higher.
fn hum(length: usize, noise: &mut Noise) -> Vec<f32> {
    let pitch = noise.between(105.0, 210.0);
    let (mut nose, mut head) = (Band::new(270.0, 2.5), Band::new(1_050.0, 4.0));
    let mut phase = 0.0_f32;
    (0..length)
        .map(|n| {
            let at = n as f32 / length as f32;
            let (rise, open, breath) = match at {
                0.0..0.4 => (1.0, (TAU / 2.0 * at / 0.4).sin(), 0.02),
                0.4..0.52 => (1.1, 0.05, 0.3),
                _ => (
                    1.15 + 0.3 * (at - 0.52),
                    (TAU / 2.0 * (at - 0.52) / 0.48).sin(),
                    0.02,
                ),
            };
            phase = (phase + pitch * rise / RATE as f32).fract();
            let source = 1.0 - 2.0 * phase;
            let voice = nose.pass(source) + 0.15 * head.pass(source);
            voice * open.max(0.0).sqrt() + 0.2 * breath * noise.next()
        })
        .collect()
}

/// Eight keys a second, each with its own sound.
fn keyboard(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut sound = vec![0.0; length];
    let mut at = 0;
    while at < length {
        let mut key = Band::new(noise.between(1_500.0, 4_500.0), 3.0);
        let loud = noise.between(0.4, 1.0);
        for (n, slot) in sound.iter_mut().skip(at).take(RATE / 50).enumerate() {
            *slot += loud * key.pass(noise.next()) * fall(n, 0, RATE / 250);
        }
        at += (noise.between(0.07, 0.2) * RATE as f32) as usize;
    }
    sound
}

/// Bursts of breath with a voice in them, five a second and fading.
fn laugh(length: usize, noise: &mut Noise) -> Vec<f32> {
    let pitch = noise.between(180.0, 260.0);
    let (mut mouth, mut nose) = (Band::new(800.0, 2.0), Band::new(1_500.0, 3.0));
    let each = RATE / 5;
    let mut phase = 0.0_f32;
    (0..length)
        .map(|n| {
            let within = (n % each) as f32 / each as f32;
            let fading = 1.0 - 0.7 * n as f32 / length as f32;
            phase = (phase + pitch * (1.1 - 0.2 * within) / RATE as f32).fract();
            let voice = 1.0 - 2.0 * phase;
            let breath = noise.next();
            let open = (TAU / 2.0 * within).sin().powi(2);
            let source = 0.4 * voice + 0.6 * breath;
            (mouth.pass(source) + 0.6 * nose.pass(source)) * open * fading
        })
        .collect()
}

/// Four chords on strings, with a drum on each beat.
fn music(length: usize, noise: &mut Noise) -> Vec<f32> {
    let beat = (noise.between(0.45, 0.6) * RATE as f32) as usize;
    let key = noise.between(0.9, 1.12);
    let mut drum = Band::new(180.0, 1.5);
    (0..length)
        .map(|n| {
            let chord = CHORDS[n / (2 * beat) % CHORDS.len()];
            let seconds = n as f32 / RATE as f32;
            let strings: f32 = chord
                .iter()
                .flat_map(|tone| (1..=4).map(move |harmonic| (tone * key, harmonic as f32)))
                .map(|(tone, harmonic)| (TAU * tone * harmonic * seconds).sin() / harmonic)
                .sum();
            let pluck = 0.4 + 0.6 * fall(n % beat, 0, beat / 2);
            0.15 * strings * pluck + drum.pass(noise.next()) * fall(n % beat, 0, RATE / 25)
        })
        .collect()
}

/// Paper.
fn rustle(length: usize, noise: &mut Noise) -> Vec<f32> {
    let mut paper = Band::new(4_000.0, 0.8);
    let mut loud = 0.5;
    (0..length)
        .map(|n| {
            if n % (RATE / 40) == 0 {
                loud = noise.between(0.05, 1.0);
            }
            let whole = (TAU / 2.0 * n as f32 / length as f32).sin();
            paper.pass(noise.next()) * loud * whole
        })
        .collect()
}

/// One from `from` on, and `scale` samples later a third of it.
fn fall(n: usize, from: usize, scale: usize) -> f32 {
    match n.checked_sub(from) {
        Some(since) => (-(since as f32) / scale.max(1) as f32).exp(),
        None => 0.0,
    }
}

const CHORDS: [[f32; 3]; 4] = [
    [261.6, 329.6, 392.0],
    [220.0, 261.6, 329.6],
    [174.6, 220.0, 261.6],
    [196.0, 246.9, 293.7],
];

/// White noise, the same for the same seed.
pub(super) struct Noise(u32);

impl Noise {
    pub(super) fn new(seed: u32) -> Self {
        let mut noise = Self(seed.wrapping_mul(0x9E37_79B9) | 1);
        // Neighbouring seeds need a while to part.
        for _ in 0..16 {
            noise.next();
        }
        noise
    }

    /// From −1 to 1.
    pub(super) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / (u32::MAX / 2) as f32 - 1.0
    }

    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() + 1.0) / 2.0
    }
}

/// A band around a frequency: the state-variable filter, whose resonance is `q`.
struct Band {
    coefficient: f32,
    damping: f32,
    low: f32,
    band: f32,
}

impl Band {
    fn new(hertz: f32, q: f32) -> Self {
        let coefficient = 2.0 * (TAU / 2.0 * (hertz / RATE as f32).min(0.16)).sin();
        Self {
            coefficient,
            damping: 1.0 / q,
            low: 0.0,
            band: 0.0,
        }
    }

    fn pass(&mut self, value: f32) -> f32 {
        self.low += self.coefficient * self.band;
        let high = value - self.low - self.damping * self.band;
        self.band += self.coefficient * high;
        self.band
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noise_sounds_stays_in_range_and_is_the_same_again() {
        for kind in [
            Kind::Cough,
            Kind::Door,
            Kind::Hum,
            Kind::Keyboard,
            Kind::Laugh,
            Kind::Music,
            Kind::Rustle,
        ] {
            let sound = kind.sound(900, 7);
            assert_eq!(sound.len(), RATE * 9 / 10);
            assert!(sound.iter().all(|value| value.abs() <= 1.21), "{kind:?}");
            let loud = sound.iter().filter(|value| value.abs() > 0.02).count();
            assert!(loud > 100, "{kind:?}: {loud}");
            assert_eq!(sound, kind.sound(900, 7));
            assert_ne!(sound, kind.sound(900, 8));
        }
    }
}
