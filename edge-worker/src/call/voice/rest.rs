//! Speech by request: one for each piece that the socket cannot take, of the vendor or of the last provider.

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use voice_core::turn::ForTurn;
use worker::{AbortController, AbortSignal, Response};

use super::job::Job;
use crate::call::model::post;
use crate::call::phrases::Recording;
use crate::call::{Fact, Facts};
use crate::providers::deepgram_tts::{AuraRest, PcmDecoder};
use crate::providers::workers_ai::{Run, WorkersAi};
use crate::providers::{AudioFormat, HttpRequest, Refusal};

/// A request under way. Dropping it withdraws the request.
pub(super) struct Rest {
    pub(super) job: Job,
    /// What its piece is recorded in.
    pub(super) recording: Option<Recording>,
    /// Asked of the last provider.
    pub(super) by_spare: bool,
    task: AbortHandle,
    fetch: Option<AbortController>,
}

/// Who is asked for speech, and for what.
pub(super) enum Asked {
    Binding(WorkersAi, Run),
    Vendor(HttpRequest),
}

impl Asked {
    async fn send(self, signal: &AbortSignal) -> worker::Result<Response> {
        match self {
            Self::Binding(binding, run) => binding.answer(&run, signal).await,
            Self::Vendor(request) => post(request, signal).await,
        }
    }
}

/// What a request for speech by REST came to.
#[derive(Debug)]
pub(in crate::call) enum RestEvent {
    Audio(Vec<u8>),
    Done,
    Failed(String),
    /// The text is more than one request may have.
    TooLong,
}

impl Rest {
    pub(super) fn start(job: Job, asked: Asked, format: AudioFormat, facts: Facts) -> Self {
        let turn = job.turn();
        let by_spare = matches!(asked, Asked::Binding(..));
        let fetch = AbortController::default();
        let signal = fetch.signal();
        let (work, task) = abortable(async move {
            let tell = |event| facts.send(Fact::Rest(ForTurn::new(turn, event)));
            let ended = fetch_speech(asked, format, &signal, |sound| {
                tell(RestEvent::Audio(sound));
            })
            .await;
            tell(ended.map_or_else(|failed| failed, |()| RestEvent::Done));
        });
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the turn is over.
            let _ = work.await;
        });
        Self {
            job,
            recording: None,
            by_spare,
            task,
            fetch: Some(fetch),
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(fetch) = self.fetch.take() {
            fetch.abort();
        }
    }
}

pub(super) async fn fetch_speech(
    asked: Asked,
    format: AudioFormat,
    signal: &AbortSignal,
    tell: impl Fn(Vec<u8>),
) -> Result<(), RestEvent> {
    let unreachable = |_: worker::Error| RestEvent::Failed("not reachable".to_owned());
    let mut response = asked.send(signal).await.map_err(unreachable)?;
    if response.status_code() != 200 {
        // What the body says is of no use to a caller who waits, and it may never end.
        return Err(match AuraRest::refusal(response.status_code(), "") {
            Refusal::TooLong => RestEvent::TooLong,
            Refusal::Busy { reason } | Refusal::Hopeless { reason } => RestEvent::Failed(reason),
        });
    }
    let kind = response.headers().get("content-type").ok().flatten();
    if !kind.is_some_and(|kind| is_bare_sound(&kind)) {
        return Err(RestEvent::Failed("no sound".to_owned()));
    }
    let mut chunks = response.stream().map_err(unreachable)?;
    let mut decoder = PcmDecoder::new(format);
    while let Some(chunk) = chunks.next().await {
        let pcm = decoder.push(&chunk.map_err(unreachable)?);
        if !pcm.is_empty() {
            tell(pcm);
        }
    }
    Ok(())
}

/// Whether an answer of this kind is what was asked for: samples, which anything else is not, be it a page of somebody between or compressed
/// sound. Played, it would be noise.
fn is_bare_sound(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let is_compressed = ["mpeg", "mp3", "ogg", "opus", "aac", "flac"]
        .iter()
        .any(|name| kind.contains(name));
    kind.starts_with("audio/") && !is_compressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_samples_are_played() {
        for kind in [
            "audio/l16;rate=24000",
            "audio/mulaw",
            "audio/basic",
            "Audio/L16",
            "audio/wav",
        ] {
            assert!(is_bare_sound(kind), "{kind}");
        }
        for kind in [
            "text/html; charset=utf-8",
            "application/json",
            "audio/mpeg",
            "audio/ogg;codecs=opus",
            "",
        ] {
            assert!(!is_bare_sound(kind), "{kind}");
        }
    }
}
