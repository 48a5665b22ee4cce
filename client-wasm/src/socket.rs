//! The call's socket, its successor when the line was lost, and the browser's ways to look into what they carry. When a line is
//! lost, [`voice_core::resumption::Line`] decides.

use std::cell::RefCell;

use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use voice_core::wire::ClientMessage;
use voice_core::wire::audio::{AudioFrame, MAX_FRAME};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, MessageEvent, WebSocket};

use crate::wire::{self, Fields};

/// One socket at a time; an older one is never heard again.
pub(crate) struct Socket {
    current: RefCell<Option<WebSocket>>,
    opened: Closure<dyn FnMut()>,
    message: Closure<dyn FnMut(MessageEvent)>,
    closed: Closure<dyn FnMut()>,
}

impl Socket {
    /// A closed one. Browsers say of every socket that fails that it has closed.
    pub(crate) const fn new(
        opened: Closure<dyn FnMut()>,
        message: Closure<dyn FnMut(MessageEvent)>,
        closed: Closure<dyn FnMut()>,
    ) -> Self {
        Self {
            current: RefCell::new(None),
            opened,
            message,
            closed,
        }
    }

    /// Opens it; false if the browser refuses even to try.
    pub(crate) fn open(&self, address: &str) -> bool {
        self.close();
        let Ok(socket) = WebSocket::new(address) else {
            return false;
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        socket.set_onopen(Some(self.opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(self.message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(self.closed.as_ref().unchecked_ref()));
        self.current.replace(Some(socket));
        true
    }

    pub(crate) fn send(&self, message: &ClientMessage) {
        self.with_open(|socket| {
            // Sending on an open socket fails only when its buffer is full, and then the line is dead anyway.
            let _ = socket.send_with_str(&wire::write(message));
        });
    }

    /// The frame stays whole, so that it can be sent again.
    pub(crate) fn send_frame(&self, frame: &ArrayBuffer) {
        self.with_open(|socket| {
            let _ = socket.send_with_array_buffer(frame);
        });
    }

    pub(crate) fn close(&self) {
        if let Some(socket) = self.current.take() {
            socket.set_onopen(None);
            socket.set_onmessage(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
    }

    fn with_open(&self, act: impl FnOnce(&WebSocket)) {
        let current = self.current.borrow();
        if let Some(socket) = &*current
            && socket.ready_state() == WebSocket::OPEN
        {
            act(socket);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

/// Where a call's socket is opened: with a `ticket` for a new call, or with the right to `resume` one. `server` is the edge's origin.
pub(crate) fn address(server: &str, right: &str, text: &str) -> String {
    // `http` becomes `ws`, `https` becomes `wss`.
    let rest = server.strip_prefix("http").unwrap_or(server);
    let text = String::from(js_sys::encode_uri_component(text));
    ["ws", rest, "/call?", right, "=", &text].concat()
}

/// The frame is copied to be read; none if it is not one.
pub(crate) fn read_frame<T>(
    buffer: &ArrayBuffer,
    read: impl FnOnce(AudioFrame<'_>) -> T,
) -> Option<T> {
    let mut copy = [0; MAX_FRAME];
    let view = Uint8Array::new(buffer);
    let bytes = copy.get_mut(..view.length() as usize)?;
    view.copy_to(bytes);
    AudioFrame::parse(bytes).ok().map(read)
}

impl Fields for JsValue {
    fn text(&self, name: &str) -> Option<String> {
        field(self, name).as_string()
    }

    fn number(&self, name: &str) -> Option<f64> {
        field(self, name).as_f64()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        field(self, name).as_bool()
    }
}

fn field(object: &JsValue, name: &str) -> JsValue {
    // What is no object has no fields.
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}
