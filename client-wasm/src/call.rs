//! One open call: what the edge says goes to the audio thread and the page, what the audio thread says goes to the edge.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, JSON, JsString, Object, Reflect, Uint8Array};
use voice_core::turn::{TurnGate, TurnId};
use voice_core::wire::audio::{AudioFrame, Kind, MAX_FRAME};
use voice_core::wire::{
    ClientMessage, MAX_TEXT, Outcome, PROTOCOL_VERSION, ServerMessage, Speaker,
};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, MessageEvent, WebSocket};

use crate::captions::Captions;
use crate::failure::Failure;
use crate::listener::{Listener, state_name};
use crate::marks::Marks;
use crate::microphone::Microphone;
use crate::wire::{self, Fields, Received};
use crate::worklet::{Said, Worklet};

pub(crate) struct Call {
    listener: Listener,
    marks: Rc<RefCell<Marks>>,
    /// Both are let go when the call is over, which turns the microphone and the audio thread off.
    devices: RefCell<Option<(Worklet, Microphone)>>,
    socket: WebSocket,
    gate: RefCell<TurnGate>,
    captions: RefCell<Captions>,
    welcome: RefCell<Option<oneshot::Sender<Result<(), Failure>>>>,
    counters: RefCell<Vec<oneshot::Sender<Object>>>,
    heard_her: Cell<bool>,
    closures: Closures,
}

struct Closures {
    opened: Closure<dyn FnMut()>,
    message: Closure<dyn FnMut(MessageEvent)>,
    closed: Closure<dyn FnMut()>,
    said: Closure<dyn FnMut(MessageEvent)>,
    broken: Closure<dyn FnMut()>,
    lost: Closure<dyn FnMut()>,
}

impl Call {
    /// Opens the line. `welcome` is told when the edge has welcomed the call, or why it will not.
    pub(crate) fn open(
        address: &str,
        listener: Listener,
        marks: Rc<RefCell<Marks>>,
        worklet: Worklet,
        microphone: Microphone,
        welcome: oneshot::Sender<Result<(), Failure>>,
    ) -> Result<Rc<Self>, Failure> {
        let socket = WebSocket::new(address).map_err(|_| Failure::Unreachable)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let call = Rc::new_cyclic(|call: &Weak<Self>| Self {
            listener,
            marks,
            socket,
            gate: RefCell::default(),
            captions: RefCell::default(),
            welcome: RefCell::new(Some(welcome)),
            counters: RefCell::default(),
            heard_her: Cell::new(false),
            closures: Closures::of(call),
            devices: RefCell::new(Some((worklet, microphone))),
        });
        if let Some((worklet, microphone)) = &*call.devices.borrow() {
            worklet.on_said(Some(call.closures.said.as_ref().unchecked_ref()));
            worklet.on_broken(Some(call.closures.broken.as_ref().unchecked_ref()));
            microphone.on_lost(call.closures.lost.as_ref().unchecked_ref());
        }
        call.socket
            .set_onopen(Some(call.closures.opened.as_ref().unchecked_ref()));
        call.socket
            .set_onmessage(Some(call.closures.message.as_ref().unchecked_ref()));
        call.socket
            .set_onclose(Some(call.closures.closed.as_ref().unchecked_ref()));
        Ok(call)
    }

    pub(crate) fn mute(&self, on: bool) {
        self.with_worklet(|worklet| worklet.mute(on));
    }

    /// The caller ends the call.
    pub(crate) fn hang_up(&self) {
        self.send(&ClientMessage::HangUp);
        self.finish(Outcome::HungUp);
    }

    /// Asks the audio thread for its counters; nobody answers once the call is over.
    pub(crate) fn ask_counters(&self) -> oneshot::Receiver<Object> {
        let (answer, answered) = oneshot::channel();
        if self.is_open() {
            self.counters.borrow_mut().push(answer);
            self.with_worklet(Worklet::ask_counters);
        }
        answered
    }

    fn is_open(&self) -> bool {
        self.devices.borrow().is_some()
    }

    /// `Hello` must be the first message, so the audio thread begins to send only after it.
    fn greet(&self) {
        self.note("connected", None);
        self.send(&ClientMessage::Hello {
            protocol: PROTOCOL_VERSION,
        });
        self.with_worklet(Worklet::open);
    }

    fn hear_edge(&self, data: JsValue) {
        match data.dyn_into::<ArrayBuffer>() {
            Ok(frame) => self.hear_voice(&frame),
            Err(data) => {
                if let Some(text) = data.dyn_ref::<JsString>() {
                    self.hear_text(text);
                }
            }
        }
    }

    /// The frame is copied once, to read whose it is; what goes to the audio thread is the socket's own buffer.
    fn hear_voice(&self, buffer: &ArrayBuffer) {
        let mut copy = [0; MAX_FRAME];
        let view = Uint8Array::new(buffer);
        let frame = copy.get_mut(..view.length() as usize).and_then(|bytes| {
            view.copy_to(bytes);
            AudioFrame::parse(bytes).ok()
        });
        match frame {
            Some(frame) if frame.kind == Kind::Voice => {
                if self.gate.borrow().admits(frame.turn) {
                    if !self.heard_her.replace(true) {
                        self.note("first_voice", None);
                    }
                    self.with_worklet(|worklet| worklet.play(buffer));
                }
            }
            _ => self.note("bad_frame", None),
        }
    }

    fn hear_text(&self, text: &JsString) {
        let short = text.length() as usize <= MAX_TEXT;
        let parsed = short
            .then(|| JSON::parse(&String::from(text)).ok())
            .flatten();
        match parsed.and_then(|parsed| Some((wire::read(&parsed)?, parsed))) {
            Some((Received::Message(message), _)) => self.obey(message),
            Some((Received::Report, report)) => self.listener.report(&report),
            // A newer edge may say more than this page understands.
            None => self.note("unread_message", None),
        }
    }

    fn obey(&self, message: ServerMessage) {
        match message {
            ServerMessage::Welcome { protocol, .. } => {
                if protocol == PROTOCOL_VERSION {
                    self.note("welcome", None);
                    if let Some(welcome) = self.welcome.take() {
                        let _ = welcome.send(Ok(()));
                    }
                } else {
                    self.fail(Failure::Protocol);
                }
            }
            ServerMessage::State { state, .. } => self.listener.state(state_name(state)),
            ServerMessage::Caption {
                speaker,
                turn,
                text,
                is_final,
                from_sample,
            } => {
                let mut captions = self.captions.borrow_mut();
                let line = match speaker {
                    Speaker::Agent => captions.agent(turn, text, is_final, from_sample),
                    Speaker::Caller => Some(Captions::caller(turn, text, is_final)),
                };
                drop(captions);
                if let Some(line) = line {
                    self.listener.line(&line);
                }
            }
            ServerMessage::Cut { turn, heard } => {
                let line = self.captions.borrow_mut().cut(turn, &heard);
                self.listener.line(&line);
            }
            ServerMessage::Flush { turn } => self.flush(turn),
            ServerMessage::Resume { turn } => {
                self.note("resume", None);
                self.with_worklet(|worklet| worklet.resume(turn));
            }
            // Never read into a message: the page is given it as it came.
            ServerMessage::Report(_) => {}
            ServerMessage::Ping { id } => self.send(&ClientMessage::Pong { id }),
            ServerMessage::Ended { outcome } => self.finish(outcome),
            ServerMessage::Error { code, .. } => self.fail(Failure::of_refusal(code)),
        }
    }

    fn hear_audio_thread(&self, said: Said, at: f64) {
        match said {
            Said::Microphone(frame) => {
                if self.socket.ready_state() == WebSocket::OPEN {
                    // Sending on an open socket fails only when its buffer is full, and then the line is dead anyway.
                    let _ = self.socket.send_with_array_buffer(&frame);
                }
            }
            Said::Level { microphone, voice } => self.listener.level(microphone, voice),
            Said::Played { turn, samples } => {
                self.send(&ClientMessage::Played { turn, samples });
                let line = self.captions.borrow_mut().played(turn, samples);
                if let Some(line) = line {
                    self.listener.line(&line);
                }
            }
            Said::Paused { turn, played } => {
                self.note("paused", Some(at));
                self.send(&ClientMessage::Paused {
                    turn,
                    samples: played,
                });
            }
            Said::Flushed {
                turn,
                played,
                discarded,
            } => {
                self.note("flushed", Some(at));
                self.send(&ClientMessage::Flushed {
                    turn,
                    samples: played,
                    discarded,
                });
            }
            Said::SpeechStarted => {
                self.note("speech_started", Some(at));
                self.send(&ClientMessage::SpeechStarted);
            }
            Said::SpeechEnded { silence_ms } => {
                self.note("speech_ended", Some(at));
                self.send(&ClientMessage::SpeechEnded { silence_ms });
            }
            Said::Sounding(on) => self.note(if on { "sounding" } else { "silent" }, Some(at)),
            Said::Counters(counters) => {
                for asked in self.counters.take() {
                    let _ = asked.send(counters.clone());
                }
            }
        }
    }

    fn flush(&self, turn: TurnId) {
        self.gate.borrow_mut().close(turn);
        self.note("flush", None);
        self.with_worklet(|worklet| worklet.flush(turn));
    }

    fn finish(&self, outcome: Outcome) {
        if self.let_go() {
            self.note("ended", None);
            self.listener.ended(outcome);
        }
        self.refuse(Failure::Stopped);
    }

    fn fail(&self, failure: Failure) {
        let welcomed = self.welcome.borrow().is_none();
        if self.let_go() && welcomed {
            self.note("failed", None);
            self.listener.failed(failure);
        }
        self.refuse(failure);
    }

    /// Whoever still waits for the welcome learns why it will not come.
    fn refuse(&self, failure: Failure) {
        if let Some(welcome) = self.welcome.take() {
            let _ = welcome.send(Err(failure));
        }
    }

    /// Turns everything off; false if it was off already.
    fn let_go(&self) -> bool {
        let devices = self.devices.take();
        let was_open = devices.is_some();
        drop(devices);
        self.counters.take();
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
        was_open
    }

    fn send(&self, message: &ClientMessage) {
        if self.socket.ready_state() == WebSocket::OPEN {
            let _ = self.socket.send_with_str(&wire::write(message));
        }
    }

    fn note(&self, name: &'static str, audio: Option<f64>) {
        self.marks.borrow_mut().note(name, audio);
    }

    fn with_worklet(&self, act: impl FnOnce(&Worklet)) {
        if let Some((worklet, _)) = &*self.devices.borrow() {
            act(worklet);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Closures {
    fn of(call: &Weak<Call>) -> Self {
        Self {
            opened: on(call, Call::greet),
            message: on_message(call, |call, event| call.hear_edge(event.data())),
            closed: on(call, |call| {
                let reached = call.marks.borrow().has("connected");
                call.fail(if reached {
                    Failure::ConnectionLost
                } else {
                    Failure::Unreachable
                });
            }),
            said: on_message(call, |call, event| {
                if let Some((said, at)) = Said::read(event) {
                    call.hear_audio_thread(said, at);
                }
            }),
            broken: on(call, |call| call.fail(Failure::Audio)),
            lost: on(call, |call| call.fail(Failure::MicrophoneLost)),
        }
    }
}

/// A callback of the browser, which does nothing once the call is gone.
fn on(call: &Weak<Call>, act: fn(&Call)) -> Closure<dyn FnMut()> {
    let call = call.clone();
    Closure::new(move || {
        if let Some(call) = call.upgrade() {
            act(&call);
        }
    })
}

fn on_message(
    call: &Weak<Call>,
    act: fn(&Call, &MessageEvent),
) -> Closure<dyn FnMut(MessageEvent)> {
    let call = call.clone();
    Closure::new(move |event: MessageEvent| {
        if let Some(call) = call.upgrade() {
            act(&call, &event);
        }
    })
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
