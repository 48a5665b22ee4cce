//! The caller's microphone, and the track's end. It is never left on: whoever drops it turns it off.

use futures_channel::oneshot;
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack};

use crate::failure::Failure;
use crate::listener::object;

/// An open microphone.
#[derive(Debug)]
pub(crate) struct Microphone(MediaStream);

impl Microphone {
    /// Asks for it at once, before this returns its future: the browser's question should not wait for anything.
    pub(crate) fn ask() -> impl Future<Output = Result<Self, Failure>> {
        let (answer, answered) = oneshot::channel();
        let asked = request();
        // A task of its own: if the caller ends the call while the browser still asks, the microphone that is granted later is
        // turned off again when the answer finds nobody.
        spawn_local(async move {
            let granted = match asked {
                Ok(promise) => JsFuture::from(promise)
                    .await
                    .map_err(|error| failure(&error)),
                Err(failure) => Err(failure),
            };
            let _ = answer.send(granted.map(|stream| Self(stream.unchecked_into())));
        });
        async { answered.await.unwrap_or(Err(Failure::MicrophoneFailed)) }
    }

    pub(crate) const fn stream(&self) -> &MediaStream {
        &self.0
    }

    /// Calls back when the device goes away.
    pub(crate) fn on_lost(&self, lost: &js_sys::Function) {
        for track in self.tracks() {
            track.set_onended(Some(lost));
        }
    }

    fn tracks(&self) -> impl Iterator<Item = MediaStreamTrack> {
        let tracks: Array = self.0.get_tracks().unchecked_into();
        tracks.into_iter().map(JsCast::unchecked_into)
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        for track in self.tracks() {
            track.set_onended(None);
            track.stop();
        }
    }
}

fn request() -> Result<Promise, Failure> {
    let devices = web_sys::window()
        .and_then(|window| window.navigator().media_devices().ok())
        .filter(|devices| !devices.is_undefined())
        .ok_or(Failure::InsecurePage)?;
    let on = JsValue::TRUE;
    // Without echo cancellation she would hear, and interrupt, herself.
    let audio = object(&[
        ("echoCancellation", on.clone()),
        ("noiseSuppression", on.clone()),
        ("autoGainControl", on),
    ]);
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&audio);
    devices
        .get_user_media_with_constraints(&constraints)
        .map(JsCast::unchecked_into)
        .map_err(|error| failure(&error))
}

fn failure(error: &JsValue) -> Failure {
    let name = Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string());
    Failure::of_microphone(&name.unwrap_or_default())
}
