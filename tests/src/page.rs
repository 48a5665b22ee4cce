//! Chromium with a file as its microphone, and ears on what it really plays.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::browser::{Browser, BrowserConfig};
use chromiumoxide::cdp::browser_protocol::page::{
    AddScriptToEvaluateOnNewDocumentParams, SetBypassCspParams,
};
use chromiumoxide::cdp::js_protocol::runtime::EventConsoleApiCalled;
use chromiumoxide::layout::Point;
use chromiumoxide::{Page, page::ScreenshotParams};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::caller::PATIENCE;

/// Records what the page plays and what its microphone hears, both on the audio thread, sample by sample and numbered by the
/// context's own frames. It hooks `connect`, so that the page needs to know nothing of it.
const EARS: &str = include_str!("ears.js");

/// A browser with one page. Dropping it ends the browser.
pub struct Chrome {
    browser: Browser,
    pub page: Page,
    tasks: Vec<JoinHandle<()>>,
    complaints: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    _profile: TempDir,
}

/// A stretch of sound as the audio thread saw it.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The context's frame number of the first sample.
    pub first_frame: u64,
    pub samples: Vec<f32>,
    pub rate: f32,
}

/// What the page's ears heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub played: Recording,
    pub microphone: Recording,
    /// What `performance.now()` read when the context was at frame zero.
    pub origin_ms: f64,
}

#[derive(Deserialize)]
struct RawHeard {
    played: RawRecording,
    microphone: RawRecording,
    rate: f32,
    origin: f64,
}

#[derive(Deserialize)]
struct RawRecording {
    first: u64,
    pcm: String,
}

impl Chrome {
    /// Opens a page in a browser whose microphone plays this WAV once, with ears. They are scripts that the page's
    /// own policy forbids, so it does not hold here.
    pub async fn open_with_ears(url: &str, microphone: &Path) -> anyhow::Result<Self> {
        let chrome = Self::start(microphone).await?;
        chrome.page.execute(SetBypassCspParams::new(true)).await?;
        chrome
            .page
            .execute(AddScriptToEvaluateOnNewDocumentParams::new(EARS))
            .await?;
        chrome.goto(url).await?;
        Ok(chrome)
    }

    /// Opens a page exactly as a visitor gets it, in a browser whose microphone plays this WAV once.
    pub async fn open(url: &str, microphone: &Path) -> anyhow::Result<Self> {
        let chrome = Self::start(microphone).await?;
        chrome.goto(url).await?;
        Ok(chrome)
    }

    async fn goto(&self, url: &str) -> anyhow::Result<()> {
        self.page.goto(url).await?;
        self.page.wait_for_navigation().await?;
        Ok(())
    }

    async fn start(microphone: &Path) -> anyhow::Result<Self> {
        let profile = tempfile::tempdir()?;
        let executable =
            std::env::var("VOXANNE_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
        let config = BrowserConfig::builder()
            .chrome_executable(executable)
            .no_sandbox()
            .new_headless_mode()
            .user_data_dir(profile.path())
            .window_size(1_280, 900)
            .args([
                "disable-gpu".to_owned(),
                "no-first-run".to_owned(),
                "disable-background-networking".to_owned(),
                "disable-component-update".to_owned(),
                "disable-sync".to_owned(),
                "use-fake-ui-for-media-stream".to_owned(),
                "use-fake-device-for-media-stream".to_owned(),
                format!(
                    "use-file-for-fake-audio-capture={}%noloop",
                    microphone.display()
                ),
            ])
            .build()
            .map_err(anyhow::Error::msg)?;
        let (browser, mut handler) = Browser::launch(config)
            .await
            .context("Chromium does not start")?;
        let mut tasks = vec![tokio::spawn(async move {
            while handler.next().await.is_some() {}
        })];
        let page = browser.new_page("about:blank").await?;
        let complaints = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let mut console = page.event_listener::<EventConsoleApiCalled>().await?;
        let heard = complaints.clone();
        tasks.push(tokio::spawn(async move {
            while let Some(call) = console.next().await {
                let kind = format!("{:?}", call.r#type);
                if kind.contains("Error") || kind.contains("Warning") {
                    let words = call
                        .args
                        .iter()
                        .map(|arg| format!("{:?} {:?}", arg.value, arg.description))
                        .collect::<Vec<_>>();
                    heard
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push(format!("{kind}: {words:?}"));
                }
            }
        }));
        Ok(Self {
            browser,
            page,
            tasks,
            complaints,
            _profile: profile,
        })
    }

    /// What the console has complained of.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.complaints
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Presses the widget's button with the mouse, as a visitor does.
    pub async fn press(&self) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Spot {
            x: f64,
            y: f64,
        }
        let spot: Spot = self
            .run(
                "async () => {
                    const call = document.querySelector('voxanne-call');
                    await customElements.whenDefined('voxanne-call');
                    const button = call.shadowRoot.querySelector('[part~=button]');
                    button.scrollIntoView({ block: 'center' });
                    const box = button.getBoundingClientRect();
                    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
                }",
            )
            .await?;
        self.page.click(Point::new(spot.x, spot.y)).await?;
        Ok(())
    }

    /// Runs a function in the page and gives what it returns.
    pub async fn run<T: DeserializeOwned>(&self, function: &str) -> anyhow::Result<T> {
        let run = self.page.evaluate_function(function);
        let result = tokio::time::timeout(PATIENCE, run)
            .await
            .context("the page does not answer")??;
        Ok(result.into_value()?)
    }

    /// Waits until an expression of the page is true.
    pub async fn wait_until(&self, what: &str, expression: &str) -> anyhow::Result<()> {
        let poll = async {
            while !self
                .run::<bool>(&format!("() => Boolean({expression})"))
                .await?
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(PATIENCE, poll).await {
            Ok(result) => result,
            Err(_) => anyhow::bail!("waited in vain for {what}: {}", self.describe().await),
        }
    }

    /// What the page shows and has complained of, for a failure's message.
    async fn describe(&self) -> String {
        let picture = std::env::temp_dir().join("voxanne-failure.png");
        let shown = self.screenshot(&picture).await.map_or_else(
            |error| error.to_string(),
            |()| picture.display().to_string(),
        );
        let text = "() => {
            const call = document.querySelector('voxanne-call');
            return `${call?.state}: ${call?.shadowRoot?.textContent.replace(/\\s+/g, ' ')}`;
        }";
        let state: String = self
            .run(text)
            .await
            .unwrap_or_else(|error| error.to_string());
        format!(
            "{state}; console: {:?}; picture: {shown}",
            self.complaints()
        )
    }

    /// Blocks the page's main thread for 200 ms in every 500, from now on.
    pub async fn make_busy(&self) -> anyhow::Result<()> {
        self.run::<bool>(
            "() => {
                setInterval(() => { const start = performance.now(); while (performance.now() - start < 200); }, 500);
                return true;
            }",
        )
        .await?;
        Ok(())
    }

    /// Everything heard since the call began.
    pub async fn heard(&self) -> anyhow::Result<Heard> {
        let raw: RawHeard = self.run("() => globalThis.ears.collect()").await?;
        let recording = |part: RawRecording| -> anyhow::Result<Recording> {
            let bytes = STANDARD.decode(part.pcm)?;
            let samples = bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            Ok(Recording {
                first_frame: part.first,
                samples,
                rate: raw.rate,
            })
        };
        Ok(Heard {
            played: recording(raw.played)?,
            microphone: recording(raw.microphone)?,
            origin_ms: raw.origin,
        })
    }

    /// Takes a picture of the page.
    pub async fn screenshot(&self, path: &Path) -> anyhow::Result<()> {
        self.page
            .save_screenshot(ScreenshotParams::builder().full_page(true).build(), path)
            .await?;
        Ok(())
    }

    /// Closes the page as a visitor does, and the browser.
    pub async fn close(mut self) -> anyhow::Result<()> {
        self.page.clone().close().await?;
        self.browser.close().await?;
        self.browser.wait().await?;
        Ok(())
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Recording {
    /// The samples between two of the context's frames.
    #[must_use]
    pub fn between(&self, from: u64, to: u64) -> &[f32] {
        let at = |frame: u64| {
            usize::try_from(frame.saturating_sub(self.first_frame))
                .unwrap_or(usize::MAX)
                .min(self.samples.len())
        };
        self.samples.get(at(from)..at(to)).unwrap_or_default()
    }

    /// The frame after the last.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_frame + self.samples.len() as u64
    }

    /// The first frame at or after `from` that is louder than `threshold`.
    #[must_use]
    pub fn first_sound(&self, from: u64, threshold: f32) -> Option<u64> {
        let at = self
            .between(from, self.end())
            .iter()
            .position(|sample| sample.abs() > threshold)?;
        Some(from.max(self.first_frame) + at as u64)
    }

    /// The last frame before `to` that is louder than `threshold`.
    #[must_use]
    pub fn last_sound(&self, to: u64, threshold: f32) -> Option<u64> {
        let at = self
            .between(self.first_frame, to)
            .iter()
            .rposition(|sample| sample.abs() > threshold)?;
        Some(self.first_frame + at as u64)
    }

    /// The first frame at or after `from` of a whole silent quantum (128 frames).
    #[must_use]
    pub fn first_silent_quantum(&self, from: u64) -> Option<u64> {
        let start = from.next_multiple_of(128);
        (start..self.end()).step_by(128).find(|frame| {
            let quantum = self.between(*frame, frame + 128);
            quantum.len() == 128 && quantum.iter().all(|sample| sample.abs() < 1e-4)
        })
    }

    /// 16-bit samples at another rate, as a recogniser wants them.
    #[must_use]
    pub fn to_pcm(&self, rate: u32) -> Vec<i16> {
        let pcm: Vec<i16> = self
            .samples
            .iter()
            .map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16)
            .collect();
        crate::sound::resample(&pcm, self.rate as u32, rate)
    }

    /// Milliseconds from one frame to another.
    #[must_use]
    pub fn millis(&self, from: u64, to: u64) -> f64 {
        (to as f64 - from as f64) * 1_000.0 / f64::from(self.rate)
    }
}

/// Where each utterance stands in a caller's microphone.
pub struct Microphone {
    pub file: tempfile::NamedTempFile,
}

impl Microphone {
    /// A file in which each of these (16 kHz) sounds begins at its second.
    pub fn make(utterances: &[(f64, &[i16])], seconds: f64) -> anyhow::Result<Self> {
        const RATE: u32 = 16_000;
        let mut samples = vec![0_i16; (seconds * f64::from(RATE)) as usize];
        for (at, utterance) in utterances {
            let start = (at * f64::from(RATE)) as usize;
            let room = samples
                .get_mut(start..start + utterance.len())
                .context("an utterance does not fit")?;
            room.copy_from_slice(utterance);
        }
        ensure!(!samples.is_empty());
        let file = tempfile::Builder::new().suffix(".wav").tempfile()?;
        crate::sound::write_wav(
            file.path(),
            &crate::sound::resample(&samples, RATE, 48_000),
            48_000,
        )?;
        Ok(Self { file })
    }
}
