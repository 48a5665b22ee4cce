//! One socket pump for vendors and callers: connects or accepts, carries frames both ways, and closes when it is dropped.
//!
//! It knows no protocol. What arrives is handed to a callback as it is; what is sent before the other side has answered
//! waits, up to a bound.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use worker::{
    AbortController, AbortSignal, Fetch, Headers, Method, Request, RequestInit, Response,
    WebSocket, WebsocketEvent,
};

use super::workers_ai::{Run, WorkersAi};
use super::{Frame, Handshake};

/// What happened to a socket.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    Opened,
    Frame(Frame),
    /// Closed, or never opened: the status of the refusal or the code of the close. The reason is the other side's own words.
    Closed {
        code: u16,
        reason: String,
    },
}

/// The most audio that waits for a socket to open: eight seconds of 16-bit speech at 16 kHz. A vendor that needs
/// longer has failed, and the oldest sound is the least useful.
const WAITING_BYTES: usize = 256 * 1024;

/// A socket. Dropping it closes the socket, or gives up connecting.
pub(crate) struct Pump {
    line: Rc<Line>,
    task: AbortHandle,
    connecting: Option<AbortController>,
    /// The socket that the other side opened. Until it is accepted it cannot be closed either.
    offered: Option<WebSocket>,
}

#[derive(Default)]
struct Line {
    is_running: Cell<bool>,
    socket: RefCell<Option<WebSocket>>,
    waiting: RefCell<Waiting>,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Pump {
    /// Begins to connect; `tell` hears what becomes of it.
    pub(crate) fn open(handshake: Handshake, tell: impl Fn(SocketEvent) + 'static) -> Self {
        let knock = async move |signal| offered(knock(&handshake, &signal).await);
        Self::connect(knock, tell)
    }

    /// The same with a socket of the runtime's binding.
    pub(crate) fn open_by(ai: WorkersAi, run: Run, tell: impl Fn(SocketEvent) + 'static) -> Self {
        let knock = async move |signal| offered(ai.socket(&run, &signal).await);
        Self::connect(knock, tell)
    }

    fn connect<F>(
        knock: impl FnOnce(AbortSignal) -> F,
        tell: impl Fn(SocketEvent) + 'static,
    ) -> Self
    where
        F: Future<Output = Result<WebSocket, SocketEvent>> + 'static,
    {
        let connecting = AbortController::default();
        let mut pump = Self::start(knock(connecting.signal()), tell);
        pump.connecting = Some(connecting);
        pump
    }

    /// Accepts a socket that was opened from the other side.
    pub(crate) fn accept(socket: WebSocket, tell: impl Fn(SocketEvent) + 'static) -> Self {
        let mut pump = Self::start(std::future::ready(Ok(socket.clone())), tell);
        pump.offered = Some(socket);
        pump
    }

    fn start(
        socket: impl Future<Output = Result<WebSocket, SocketEvent>> + 'static,
        tell: impl Fn(SocketEvent) + 'static,
    ) -> Self {
        let line = Rc::new(Line::default());
        let shared = line.clone();
        let (work, task) = abortable(async move {
            let ended = match socket.await {
                Ok(socket) => shared.run(socket, &tell).await,
                Err(refusal) => refusal,
            };
            if let Some(socket) = shared.socket.borrow_mut().take() {
                // The other side closed first and waits for the answer, which the runtime does not give by itself.
                let _ = socket.close(Some(1000), Some(""));
            }
            tell(ended);
        });
        wasm_bindgen_futures::spawn_local(async move {
            // An abort is how a dropped pump ends; there is nobody left to tell.
            let _ = work.await;
        });
        Self {
            line,
            task,
            connecting: None,
            offered: None,
        }
    }

    /// Closes the socket for a reason of one's own. What was sent before still goes out.
    pub(crate) fn close(mut self, code: u16, reason: &str) {
        self.part(code, reason);
    }

    fn part(&mut self, code: u16, reason: &str) {
        let offered = self
            .offered
            .take()
            .filter(|_| !self.line.is_running.get())
            .inspect(|socket| {
                // It fails only if the other side is gone, and then so does the close.
                let _ = socket.accept();
            });
        let socket = self.line.socket.borrow_mut().take().or(offered);
        if let Some(socket) = socket {
            // Already closed by the other side: nothing to do.
            let _ = socket.close(Some(code), Some(reason));
        } else if let Some(connecting) = self.connecting.take() {
            connecting.abort();
        }
    }

    /// Sends a frame now, or as soon as the socket is open.
    pub(crate) fn send(&self, frame: Frame) {
        match self.line.socket.borrow().as_ref() {
            Some(socket) => transmit(socket, &frame),
            None => self.line.waiting.borrow_mut().push(frame),
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.part(1000, "done");
        self.task.abort();
    }
}

impl Line {
    /// Carries a socket's events until it closes.
    async fn run(&self, socket: WebSocket, tell: &impl Fn(SocketEvent)) -> SocketEvent {
        self.is_running.set(true);
        // Without this, binary messages arrive as Blobs and read as empty.
        socket
            .as_ref()
            .set_binary_type(web_sys::BinaryType::Arraybuffer);
        let Ok(mut events) = socket.events() else {
            return closed(1006, "no events");
        };
        if socket.accept().is_err() {
            return closed(1006, "not accepted");
        }
        for frame in self.waiting.borrow_mut().drain() {
            transmit(&socket, &frame);
        }
        self.socket.borrow_mut().replace(socket.clone());
        tell(SocketEvent::Opened);
        while let Some(event) = events.next().await {
            match event {
                Ok(WebsocketEvent::Message(message)) => {
                    if let Some(text) = message.text() {
                        tell(SocketEvent::Frame(Frame::Text(text)));
                    } else if let Some(bytes) = message.bytes() {
                        tell(SocketEvent::Frame(Frame::Binary(bytes)));
                    }
                }
                Ok(WebsocketEvent::Close(close)) => return closed(close.code(), &close.reason()),
                Err(_) => return closed(1006, "socket error"),
            }
        }
        closed(1006, "socket ended")
    }
}

impl Waiting {
    fn push(&mut self, frame: Frame) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back(frame);
        while self.bytes > WAITING_BYTES {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.len());
        }
    }

    fn drain(&mut self) -> VecDeque<Frame> {
        self.bytes = 0;
        std::mem::take(&mut self.frames)
    }
}

async fn knock(handshake: &Handshake, signal: &AbortSignal) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("Upgrade", "websocket")?;
    for (name, value) in &handshake.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let request = Request::new_with_init(&handshake.url, &init)?;
    Fetch::Request(request).send_with_signal(signal).await
}

/// The socket in an answer.
fn offered(answer: worker::Result<Response>) -> Result<WebSocket, SocketEvent> {
    let response = answer.map_err(|_| closed(1006, "cannot connect"))?;
    let status = response.status_code();
    response
        .websocket()
        .ok_or_else(|| closed(status, "upgrade refused"))
}

fn transmit(socket: &WebSocket, frame: &Frame) {
    // A socket that cannot be written to is closing; its close event says so next.
    let _ = match frame {
        Frame::Text(text) => socket.send_with_str(text),
        Frame::Binary(bytes) => socket.send_with_bytes(bytes),
    };
}

fn closed(code: u16, reason: &str) -> SocketEvent {
    SocketEvent::Closed {
        code,
        reason: reason.to_owned(),
    }
}
