//! The page's timer, as long as it is held.

use js_sys::Function;

#[derive(Debug)]
pub(crate) struct Ticks(i32);

impl Ticks {
    /// Calls back every quarter of a second, the shortest wait of [`voice_core::resumption::Line`]; once a second in a hidden page.
    pub(crate) fn start(tick: &Function) -> Option<Self> {
        let window = web_sys::window()?;
        window
            .set_interval_with_callback_and_timeout_and_arguments_0(tick, EVERY)
            .ok()
            .map(Self)
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            window.clear_interval_with_handle(self.0);
        }
    }
}

/// In milliseconds.
const EVERY: i32 = 250;
