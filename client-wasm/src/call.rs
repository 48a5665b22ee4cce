//! One open call: what the edge says goes to the audio thread and the page, what the audio thread says goes to the edge,
//! on a new line if the first was lost.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use js_sys::{ArrayBuffer, JSON, JsString, Object};
use voice_core::resumption::{Kept, Line, Step};
use voice_core::time::Timestamp;
use voice_core::turn::{TurnGate, TurnId};
use voice_core::wire::audio::Kind;
use voice_core::wire::{
    ClientMessage, MAX_TEXT, Outcome, PROTOCOL_VERSION, Phase, ServerMessage, Speaker,
};
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;

use crate::captions::Captions;
use crate::failure::Failure;
use crate::listener::{Listener, state_name};
use crate::marks::{self, Marks};
use crate::microphone::Microphone;
use crate::socket::{self, Socket, read_frame};
use crate::ticket::Ticket;
use crate::ticks::Ticks;
use crate::wire::{self, Received};
use crate::worklet::{Said, Worklet};

pub(crate) struct Call {
    listener: Listener,
    marks: Rc<RefCell<Marks>>,
    /// Both are let go when the call is over, which turns the microphone and the audio thread off.
    devices: RefCell<Option<(Worklet, Microphone)>>,
    server: String,
    socket: Socket,
    line: RefCell<Line>,
    kept: RefCell<Kept<ArrayBuffer>>,
    /// The right to go on with this call on another line.
    resume: RefCell<String>,
    /// Her state as the edge told it last, which the page shows again when the line is back.
    state: Cell<Option<Phase>>,
    ticks: RefCell<Option<Ticks>>,
    gate: RefCell<TurnGate>,
    captions: RefCell<Captions>,
    welcome: RefCell<Option<oneshot::Sender<Result<(), Failure>>>>,
    counters: RefCell<Vec<oneshot::Sender<Object>>>,
    heard_her: Cell<bool>,
    closures: Closures,
}

struct Closures {
    said: Closure<dyn FnMut(MessageEvent)>,
    broken: Closure<dyn FnMut()>,
    lost: Closure<dyn FnMut()>,
    tick: Closure<dyn FnMut()>,
}

impl Call {
    /// Opens the line. `welcome` is told when the edge has welcomed the call, or why it will not.
    pub(crate) fn open(
        server: String,
        ticket: &Ticket,
        listener: Listener,
        marks: Rc<RefCell<Marks>>,
        worklet: Worklet,
        microphone: Microphone,
        welcome: oneshot::Sender<Result<(), Failure>>,
    ) -> Result<Rc<Self>, Failure> {
        let call = Rc::new_cyclic(|call: &Weak<Self>| Self {
            listener,
            marks,
            server,
            socket: Socket::new(
                on(call, Self::greet),
                on_message(call, |call, event| call.hear_edge(event.data())),
                on(call, Self::lose_socket),
            ),
            line: RefCell::default(),
            kept: RefCell::default(),
            resume: RefCell::default(),
            state: Cell::default(),
            ticks: RefCell::default(),
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
        if !call.socket.open(&ticket.address(&call.server)) {
            return Err(Failure::Unreachable);
        }
        call.ticks
            .replace(Ticks::start(call.closures.tick.as_ref().unchecked_ref()));
        Ok(call)
    }

    pub(crate) fn mute(&self, on: bool) {
        self.with_worklet(|worklet| worklet.mute(on));
    }

    /// The caller ends the call.
    pub(crate) fn hang_up(&self) {
        self.socket.send(&ClientMessage::HangUp);
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

    /// A socket has opened. `Hello` must be a call's first message, so the audio thread begins to send only after it.
    fn greet(&self) {
        if self.welcome.borrow().is_some() {
            self.note("connected", None);
            self.socket.send(&ClientMessage::Hello {
                protocol: PROTOCOL_VERSION,
            });
            self.with_worklet(Worklet::open);
        } else {
            self.line.borrow_mut().opened();
            let (turn, samples) = self.kept.borrow().arrived();
            self.socket.send(&ClientMessage::Reconnected {
                protocol: PROTOCOL_VERSION,
                turn,
                samples,
            });
        }
    }

    /// Before the welcome there is no call to go on with.
    fn lose_socket(&self) {
        if self.welcome.borrow().is_some() {
            let reached = self.marks.borrow().has("connected");
            self.fail(if reached {
                Failure::ConnectionLost
            } else {
                Failure::Unreachable
            });
        } else {
            self.line.borrow_mut().closed(now());
            self.watch_line();
        }
    }

    /// Does what the line needs.
    fn watch_line(&self) {
        while self.is_open() {
            let step = self.line.borrow_mut().poll(now());
            match step {
                Step::Abandon => self.socket.close(),
                Step::Fail => self.fail(Failure::ConnectionLost),
                Step::Lose => {
                    self.note("line_lost", None);
                    self.socket.close();
                    self.listener.state("reconnecting");
                }
                Step::Open => {
                    let address = socket::address(&self.server, "resume", &self.resume.borrow());
                    if !self.socket.open(&address) {
                        self.line.borrow_mut().closed(now());
                    }
                }
                Step::Wait => return,
            }
        }
    }

    /// The edge has the call again and wants the microphone's frames from that number on.
    fn go_on(&self, microphone: u32) {
        let now = now();
        if !self.line.borrow_mut().reconnected(now) {
            return;
        }
        self.note("reconnected", None);
        let mut kept = self.kept.borrow_mut();
        for frame in kept.frames_from(microphone) {
            self.socket.send_frame(frame);
        }
        kept.reports_from(microphone, now, |message| self.socket.send(message));
        drop(kept);
        if let Some(state) = self.state.get() {
            self.listener.state(state_name(state));
        }
    }

    fn hear_edge(&self, data: JsValue) {
        self.line.borrow_mut().heard();
        match data.dyn_into::<ArrayBuffer>() {
            Ok(frame) => self.hear_voice(&frame),
            Err(data) => {
                if let Some(text) = data.dyn_ref::<JsString>() {
                    self.hear_text(text);
                }
            }
        }
    }

    /// What goes to the audio thread is the socket's own buffer.
    fn hear_voice(&self, buffer: &ArrayBuffer) {
        let frame = read_frame(buffer, |frame| {
            (frame.kind, frame.turn, frame.pcm.len() as u64 / 2)
        });
        match frame {
            Some((Kind::Voice, turn, samples)) => {
                if self.gate.borrow().admits(turn) {
                    if !self.heard_her.replace(true) {
                        self.note("first_voice", None);
                    }
                    self.kept.borrow_mut().voice(turn, samples);
                    self.with_worklet(|worklet| worklet.play(buffer));
                }
            }
            _ => self.note("bad_frame", None),
        }
    }

    /// Sent if the line is there, and kept for the next one.
    fn hear_microphone(&self, frame: ArrayBuffer) {
        let Some(sequence) = read_frame(&frame, |frame| frame.sequence) else {
            return self.note("bad_frame", None);
        };
        if self.line.borrow().is_live() {
            self.socket.send_frame(&frame);
        }
        self.kept.borrow_mut().frame(sequence, frame);
        self.watch_line();
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
            ServerMessage::Welcome {
                protocol, resume, ..
            } => {
                if protocol == PROTOCOL_VERSION {
                    self.note("welcome", None);
                    self.resume.replace(resume);
                    self.line.borrow_mut().welcomed(now());
                    if let Some(welcome) = self.welcome.take() {
                        let _ = welcome.send(Ok(()));
                    }
                } else {
                    self.fail(Failure::Protocol);
                }
            }
            ServerMessage::Reconnected { microphone } => self.go_on(microphone),
            ServerMessage::State { state, .. } => {
                self.state.set(Some(state));
                self.listener.state(state_name(state));
            }
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
                self.kept.borrow_mut().resume(turn);
                self.with_worklet(|worklet| worklet.resume(turn));
            }
            // Never read into a message: the page is given it as it came.
            ServerMessage::Report(_) => {}
            ServerMessage::Ping { id } => self.socket.send(&ClientMessage::Pong { id }),
            ServerMessage::Ended { outcome } => self.finish(outcome),
            ServerMessage::Error { code, .. } => self.fail(Failure::of_refusal(code)),
        }
    }

    fn hear_audio_thread(&self, said: Said, at: f64) {
        match said {
            Said::Microphone(frame) => self.hear_microphone(frame),
            Said::Level { microphone, voice } => self.listener.level(microphone, voice),
            Said::Played { turn, samples } => {
                self.report(ClientMessage::Played { turn, samples });
                let line = self.captions.borrow_mut().played(turn, samples);
                if let Some(line) = line {
                    self.listener.line(&line);
                }
            }
            Said::Paused { turn, played } => {
                self.note("paused", Some(at));
                self.report(ClientMessage::Paused {
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
                self.report(ClientMessage::Flushed {
                    turn,
                    samples: played,
                    discarded,
                });
            }
            Said::SpeechStarted => {
                self.note("speech_started", Some(at));
                self.report(ClientMessage::SpeechStarted);
            }
            Said::SpeechEnded { silence_ms } => {
                self.note("speech_ended", Some(at));
                self.report(ClientMessage::SpeechEnded { silence_ms });
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
        self.ticks.take();
        self.socket.close();
        was_open
    }

    /// Tells the edge, now or when the line is back.
    fn report(&self, message: ClientMessage) {
        if self.line.borrow().is_live() {
            self.socket.send(&message);
        }
        self.kept.borrow_mut().report(message, now());
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
            said: on_message(call, |call, event| {
                if let Some((said, at)) = Said::read(event) {
                    call.hear_audio_thread(said, at);
                }
            }),
            broken: on(call, |call| call.fail(Failure::Audio)),
            lost: on(call, |call| call.fail(Failure::MicrophoneLost)),
            tick: on(call, Call::watch_line),
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

/// The page's clock.
fn now() -> Timestamp {
    Timestamp::from_millis(marks::now() as u64)
}
