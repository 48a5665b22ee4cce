//! When things happened, for tests and for whoever wonders why a call was slow. Nothing here steers.

use std::collections::VecDeque;

use js_sys::Array;
use wasm_bindgen::JsValue;

use crate::listener::object;

#[derive(Debug, Default)]
pub(crate) struct Marks(VecDeque<Mark>);

#[derive(Debug)]
struct Mark {
    name: &'static str,
    at: f64,
    audio: Option<f64>,
}

impl Marks {
    /// Notes an event of the page; `audio` is its time on the audio thread's clock, if it happened there.
    pub(crate) fn note(&mut self, name: &'static str, audio: Option<f64>) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Mark {
            name,
            at: now(),
            audio,
        });
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|mark| mark.name == name)
    }

    pub(crate) fn to_js(&self) -> Array {
        self.0
            .iter()
            .map(|mark| {
                let audio = mark.audio.map_or(JsValue::NULL, Into::into);
                JsValue::from(object(&[
                    ("name", mark.name.into()),
                    ("at", mark.at.into()),
                    ("audio", audio),
                ]))
            })
            .collect()
    }
}

/// Milliseconds of the page's clock.
pub(crate) fn now() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |clock| clock.now())
}

/// A long call has a few events a second; this is its last minutes.
const KEPT: usize = 1_000;
