//! The recogniser: Moonshine, an encoder over the samples and a decoder that writes a token at a time.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, bail};
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, TensorRef};

pub(crate) struct Moonshine {
    encoder: Session,
    decoder: Session,
    vocabulary: Vec<Vec<u8>>,
}

/// A tensor of the decoder's memory: `[1, HEADS, length, HEAD_WIDTH]`.
#[derive(Clone, Default)]
struct Memory {
    length: usize,
    values: Vec<f32>,
}

impl Moonshine {
    pub(crate) fn load(environment: &Environment, folder: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            encoder: super::session(environment, &folder.join("encoder_model.ort"))?,
            decoder: super::session(environment, &folder.join("decoder_model_merged.ort"))?,
            vocabulary: vocabulary(&std::fs::read(folder.join("tokenizer.bin"))?)?,
        })
    }

    /// The words of speech at 16 kHz. Nothing for less than half a second, in which the model invents words.
    pub(crate) fn recognise(&mut self, samples: &[i16]) -> anyhow::Result<String> {
        if samples.len() < SAMPLES_LEAST {
            return Ok(String::new());
        }
        let audio: Vec<f32> = samples
            .iter()
            .map(|&sample| f32::from(sample) / 32_768.0)
            .collect();
        let (frames, hidden) = self.encode(&audio)?;
        let tokens = self.decode(audio.len(), frames, &hidden)?;
        let bytes: Vec<u8> = tokens
            .iter()
            .filter_map(|&token| self.vocabulary.get(token))
            .flatten()
            .copied()
            .collect();
        Ok(normalised(
            &String::from_utf8_lossy(&bytes).replace('▁', " "),
        ))
    }

    fn encode(&mut self, audio: &[f32]) -> anyhow::Result<(usize, Vec<f32>)> {
        let length = audio.len();
        let outputs = self.encoder.run(ort::inputs![
            "input_values" => TensorRef::from_array_view(([1, length], audio))?,
            "attention_mask" => Tensor::from_array(([1, length], vec![1_i64; length]))?
        ])?;
        let (shape, hidden) = outputs[0].try_extract_tensor::<f32>()?;
        let frames = shape
            .get(1)
            .copied()
            .context("the encoder's output has no frames")?;
        Ok((usize::try_from(frames)?, hidden.to_vec()))
    }

    fn decode(
        &mut self,
        audio_length: usize,
        frames: usize,
        hidden: &[f32],
    ) -> anyhow::Result<Vec<usize>> {
        let most = (audio_length as f32 / 16_000.0 * TOKENS_PER_SECOND).ceil() as usize + 2;
        let names: Vec<String> = (0..LAYERS)
            .flat_map(|layer| {
                [
                    "decoder.key",
                    "decoder.value",
                    "encoder.key",
                    "encoder.value",
                ]
                .map(|name| format!("{layer}.{name}"))
            })
            .collect();
        let mut memories = vec![Memory::default(); names.len()];
        let empty = vec![0.0_f32; HEADS * HEAD_WIDTH];
        let mask = vec![1_i64; audio_length];
        let (mut tokens, mut last) = (Vec::new(), START);
        for step in 0..most {
            let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = vec![
                (
                    "input_ids".into(),
                    Tensor::from_array(([1, 1], vec![last as i64]))?.into(),
                ),
                (
                    "encoder_hidden_states".into(),
                    TensorRef::from_array_view(([1, frames, WIDTH], hidden))?.into(),
                ),
                // As long as the samples, not as the encoder's frames.
                (
                    "encoder_attention_mask".into(),
                    TensorRef::from_array_view(([1, audio_length], &mask[..]))?.into(),
                ),
                (
                    "use_cache_branch".into(),
                    Tensor::from_array(([1], vec![step > 0]))?.into(),
                ),
            ];
            for (name, memory) in names.iter().zip(&memories) {
                let (length, values) = if memory.length == 0 {
                    (1, &empty)
                } else {
                    (memory.length, &memory.values)
                };
                let shape = [1, HEADS, length, HEAD_WIDTH];
                let tensor = TensorRef::from_array_view((shape, &values[..]))?;
                inputs.push((format!("past_key_values.{name}").into(), tensor.into()));
            }
            let outputs = self.decoder.run(inputs)?;
            let (_, logits) = outputs["logits"].try_extract_tensor::<f32>()?;
            let best = logits
                .iter()
                .enumerate()
                .max_by(|(_, a), (_, b)| a.total_cmp(b))
                .map_or(END, |(token, _)| token);
            let mut next = Vec::with_capacity(memories.len());
            for (index, name) in names.iter().enumerate() {
                // What it remembers of the sound is made once, at the first step.
                if step > 0 && name.contains("encoder") {
                    continue;
                }
                let (shape, values) =
                    outputs[format!("present.{name}").as_str()].try_extract_tensor::<f32>()?;
                let length = shape
                    .get(2)
                    .copied()
                    .context("the decoder's memory has no length")?;
                next.push((
                    index,
                    Memory {
                        length: usize::try_from(length)?,
                        values: values.to_vec(),
                    },
                ));
            }
            drop(outputs);
            for (index, memory) in next {
                memories[index] = memory;
            }
            if best == END {
                break;
            }
            tokens.push(best);
            last = best;
        }
        Ok(tokens)
    }
}

/// Tokens as the file has them: each after its length, which takes a second byte from 128 on.
fn vocabulary(bytes: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut tokens = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let mut length = usize::from(*first);
        let mut after = after;
        if let (128.., [second, more @ ..]) = (length, after) {
            length = usize::from(*second) * 128 + length - 128;
            after = more;
        }
        let Some((token, more)) = after.split_at_checked(length) else {
            bail!("the tokenizer's file ends within a token");
        };
        tokens.push(token.to_vec());
        rest = more;
    }
    Ok(tokens)
}

/// The model's old-fashioned spellings, as people write them now.
fn normalised(text: &str) -> String {
    let word = |word: &str| {
        let core = word.trim_matches(|character: char| !character.is_alphanumeric());
        match SPELLINGS
            .iter()
            .find(|(old, _)| core.eq_ignore_ascii_case(old))
        {
            None => word.to_owned(),
            Some((_, new)) => {
                let mut new = (*new).to_owned();
                if core.starts_with(char::is_uppercase)
                    && let Some(first) = new.get_mut(..1)
                {
                    first.make_ascii_uppercase();
                }
                word.replace(core, &new)
            }
        }
    };
    text.split_whitespace()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

const SPELLINGS: [(&str, &str); 5] = [
    ("ok", "okay"),
    ("to-day", "today"),
    ("to-morrow", "tomorrow"),
    ("to-night", "tonight"),
    ("mm", "mm-hm"),
];

/// Half a second at 16 kHz.
const SAMPLES_LEAST: usize = 8_000;

/// The model's own bound: nobody speaks faster, and a loop ends.
const TOKENS_PER_SECOND: f32 = 6.5;

// The tiny model's shape.
const LAYERS: usize = 6;
const HEADS: usize = 8;
const HEAD_WIDTH: usize = 36;
const WIDTH: usize = 288;
const START: usize = 1;
const END: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_of_today() {
        assert_eq!(
            normalised(" To-morrow, ok?  Ok, to-day."),
            "Tomorrow, okay? Okay, today."
        );
    }

    #[test]
    fn reads_long_and_short_tokens() {
        let long = vec![b'x'; 200];
        let mut file = vec![2, b'h', b'i', 200 - 128 + 128, 1];
        file[3] = (200 % 128) as u8 + 128;
        file.extend(&long);
        assert_eq!(
            vocabulary(&file).expect("two tokens"),
            [b"hi".to_vec(), long]
        );
        assert!(vocabulary(&[5, 1]).is_err());
    }
}
