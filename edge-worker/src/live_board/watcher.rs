//! A page that watches: until when it may, and whether it is still there.

use js_sys::{Date, Function, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys::DurableObjectState;
use worker::{State, WebSocket};

/// A page says `ping` every 20 seconds, which the runtime answers without waking the object. One that has not for so long is dead: browsers let the
/// timers of a hidden page run once a minute, so that sooner such a page would lose its socket; later, more waits for one that is gone.
const SILENT_MS: u64 = 90 * 1_000;

/// What a page's socket remembers while the object sleeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Watcher {
    /// When it has to show again who it is.
    pub(super) until: u64,
    /// When it came.
    pub(super) since: u64,
}

impl Watcher {
    /// Whether nothing has been heard of it for too long. `heard_at` is when it last said `ping`, if ever.
    pub(super) fn is_dead(self, heard_at: Option<u64>, now: u64) -> bool {
        let heard_at = heard_at.unwrap_or_default().max(self.since);
        heard_at.saturating_add(SILENT_MS) <= now
    }
}

/// The runtime's note of when each page said `ping`.
pub(super) struct Heard {
    state: JsValue,
    look: Option<Function>,
}

impl Heard {
    /// The state comes back: it lends its object to nobody.
    pub(super) fn of(state: State) -> (State, Self) {
        let object = JsValue::from(state._inner());
        let look = Reflect::get(&object, &"getWebSocketAutoResponseTimestamp".into());
        let heard = Self {
            state: object.clone(),
            look: look.ok().and_then(|look| look.dyn_into().ok()),
        };
        let object: DurableObjectState = object.unchecked_into();
        (State::from(object), heard)
    }

    /// When this page last said `ping`, in milliseconds since 1970.
    pub(super) fn last(&self, socket: &WebSocket) -> Option<u64> {
        let socket: &web_sys::WebSocket = socket.as_ref();
        let at = self.look.as_ref()?.call1(&self.state, socket).ok()?;
        Some(at.dyn_ref::<Date>()?.get_time() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000_000;

    #[test]
    fn a_page_is_dead_that_has_said_nothing_for_too_long() {
        let watcher = Watcher {
            until: u64::MAX,
            since: NOW,
        };
        for (heard_after, looked_after, is_dead) in [
            (None, 0, false),
            (None, SILENT_MS - 1, false),
            (None, SILENT_MS, true),
            (Some(20_000), SILENT_MS, false),
            (Some(20_000), SILENT_MS + 20_000, true),
        ] {
            let heard_at = heard_after.map(|after: u64| NOW + after);
            assert_eq!(
                watcher.is_dead(heard_at, NOW + looked_after),
                is_dead,
                "{heard_after:?} {looked_after}"
            );
        }
    }
}
