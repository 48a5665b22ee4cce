//! One end of a splice: a socket whose messages are handed on as they are, without being copied into this module's memory.

use js_sys::JsString;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CloseEvent, Event, MessageEvent};
use worker::WebSocket;

#[wasm_bindgen]
extern "C" {
    /// A socket that is given text as the runtime has it: the bindings' own method goes by UTF-8.
    type RawSocket;

    #[wasm_bindgen(method, catch)]
    fn send(this: &RawSocket, text: &JsString) -> Result<(), JsValue>;
}

/// What happened on a socket.
pub(super) enum LineEvent {
    Binary,
    Closed(Close),
    Text(JsString),
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// The same, as it may be passed on: some codes only report how a socket ended and cannot be sent.
    pub(super) fn passed_on(&self) -> Self {
        match self.code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => self.clone(),
            // No code was given.
            1005 => Self::new(1000, ""),
            _ => Self::new(1011, "the other side is gone"),
        }
    }
}

/// A socket and those who listen to it. Dropping it ends the listening; the socket is closed by [`close`](Self::close).
pub(super) struct Line {
    socket: WebSocket,
    on_message: Closure<dyn FnMut(MessageEvent)>,
    on_close: Closure<dyn FnMut(CloseEvent)>,
    on_error: Closure<dyn FnMut(Event)>,
}

impl Line {
    /// Accepts a socket; `tell` hears what happens there.
    pub(super) fn open(
        socket: WebSocket,
        tell: impl Fn(LineEvent) + Clone + 'static,
    ) -> worker::Result<Self> {
        let on_message = {
            let tell = tell.clone();
            Closure::wrap_assert_unwind_safe(Box::new(move |event: MessageEvent| {
                tell(match event.data().dyn_into::<JsString>() {
                    Ok(text) => LineEvent::Text(text),
                    Err(_) => LineEvent::Binary,
                });
            }) as Box<dyn FnMut(MessageEvent)>)
        };
        let on_close = {
            let tell = tell.clone();
            Closure::wrap_assert_unwind_safe(Box::new(move |event: CloseEvent| {
                tell(LineEvent::Closed(Close::new(event.code(), event.reason())));
            }) as Box<dyn FnMut(CloseEvent)>)
        };
        let on_error = Closure::wrap_assert_unwind_safe(Box::new(move |_: Event| {
            tell(LineEvent::Closed(Close::new(1006, "")));
        }) as Box<dyn FnMut(Event)>);
        let line = Self {
            socket,
            on_message,
            on_close,
            on_error,
        };
        for (name, function) in line.listeners() {
            line.socket
                .as_ref()
                .add_event_listener_with_callback(name, function)?;
        }
        line.socket.accept()?;
        Ok(line)
    }

    /// Something to send by, for as long as the line is open.
    pub(super) fn sender(&self) -> Sender {
        Sender(self.socket.as_ref().clone().unchecked_into())
    }

    /// Closes the socket, also in answer to its own close.
    pub(super) fn close(&self, close: &Close) {
        let Close { code, reason } = close.passed_on();
        // It may be gone already.
        let _ = self.socket.close(Some(code), Some(reason));
    }

    fn listeners(&self) -> [(&'static str, &js_sys::Function); 3] {
        [
            ("message", self.on_message.as_ref().unchecked_ref()),
            ("close", self.on_close.as_ref().unchecked_ref()),
            ("error", self.on_error.as_ref().unchecked_ref()),
        ]
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for (name, function) in self.listeners() {
            // One that was never added needs no removing.
            let _ = self
                .socket
                .as_ref()
                .remove_event_listener_with_callback(name, function);
        }
    }
}

/// A way to send on a line.
pub(super) struct Sender(RawSocket);

impl Sender {
    pub(super) fn send(&self, text: &JsString) {
        // A socket that cannot be written to is closing; its close event says so next.
        let _ = self.0.send(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_codes_can_be_passed_on() {
        for code in [1000, 1001, 1008, 1009, 1013, 3000, 4999] {
            let close = Close::new(code, "words");
            assert_eq!(close.passed_on(), close);
        }
        assert_eq!(Close::new(1005, "").passed_on().code, 1000);
        for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(Close::new(code, "").passed_on().code, 1011, "{code}");
        }
    }
}
