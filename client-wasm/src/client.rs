//! The class a page sees: one call, from the press of the button to its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use futures_util::pin_mut;
use js_sys::{Function, JsString, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, AudioNode};

use crate::call::Call;
use crate::failure::Failure;
use crate::listener::{Listener, object};
use crate::marks::Marks;
use crate::microphone::Microphone;
use crate::ticket::Ticket;
use crate::worklet::Worklet;

#[wasm_bindgen]
extern "C" {
    /// What a client is made with.
    pub type Options;

    /// The public name of the business's site.
    #[wasm_bindgen(method, getter)]
    fn site(this: &Options) -> String;

    /// The edge's origin, without a path.
    #[wasm_bindgen(method, getter)]
    fn server(this: &Options) -> String;

    /// Made in the press itself, since browsers let sound begin only there; whoever made it closes it.
    #[wasm_bindgen(method, getter)]
    fn context(this: &Options) -> AudioContext;

    /// The compiled audio thread, on its way.
    #[wasm_bindgen(method, getter)]
    fn module(this: &Options) -> Promise;

    /// `audioWorklet.addModule` of the context, on its way.
    #[wasm_bindgen(method, getter)]
    fn worklet(this: &Options) -> Promise;
}

/// One call.
#[wasm_bindgen]
pub struct VoxanneClient {
    options: Options,
    listener: Listener,
    marks: Rc<RefCell<Marks>>,
    call: RefCell<Option<Rc<Call>>>,
    /// Ends a call that is still being set up.
    stop: RefCell<Option<oneshot::Sender<()>>>,
    output: RefCell<Option<AudioNode>>,
    muted: Cell<bool>,
}

#[wasm_bindgen]
impl VoxanneClient {
    /// A client that has done nothing yet. `listener` is called with one object for each event: `{type: "state", state}`,
    /// `{type: "transcript", speaker, turn, text, cut, final}`, `{type: "level", microphone, voice}`,
    /// `{type: "report", report}`, `{type: "ended", outcome}`, `{type: "failed", code}`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: Options, listener: Function) -> Self {
        Self {
            options,
            listener: Listener(listener),
            marks: Rc::default(),
            call: RefCell::default(),
            stop: RefCell::default(),
            output: RefCell::default(),
            muted: Cell::new(false),
        }
    }

    /// Opens the call. Resolves when the edge has welcomed it; rejects with an `Error` whose `code` says why not. Once.
    pub async fn start(&self) -> Result<(), JsValue> {
        let (stop, stopped) = oneshot::channel();
        self.stop.replace(Some(stop));
        self.marks.borrow_mut().note("started", None);
        let opening = self.open();
        pin_mut!(opening);
        let opened = match select(opening, stopped).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => Err(Failure::Stopped),
        };
        self.stop.take();
        opened.map_err(|failure| {
            self.call.take();
            error(failure)
        })
    }

    /// Ends the call, or the attempt at one. Safe to call at any time.
    pub fn stop(&self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(call) = &*self.call.borrow() {
            call.hang_up();
        }
    }

    /// Sends silence instead of the caller's voice, or the voice again.
    pub fn mute(&self, on: bool) {
        self.muted.set(on);
        if let Some(call) = &*self.call.borrow() {
            call.mute(on);
        }
    }

    /// The node her voice comes out of, connected to the context's destination; for tests and visualisers.
    #[wasm_bindgen(getter)]
    pub fn output(&self) -> Option<AudioNode> {
        self.output.borrow().clone()
    }

    /// `{counters, sampleRate, baseLatency, outputLatency, events: [{name, at, audio}]}`: `at` is the page's clock and `audio`
    /// the context's, both in milliseconds; `counters` is null when no call is open.
    pub async fn diagnostics(&self) -> JsValue {
        let asked = self.call.borrow().as_ref().map(|call| call.ask_counters());
        let counters = match asked {
            Some(asked) => asked.await.map_or(JsValue::NULL, JsValue::from),
            None => JsValue::NULL,
        };
        let context = self.options.context();
        let latency = |name: &str| Reflect::get(&context, &name.into()).unwrap_or(JsValue::NULL);
        object(&[
            ("counters", counters),
            ("sampleRate", context.sample_rate().into()),
            ("baseLatency", latency("baseLatency")),
            ("outputLatency", latency("outputLatency")),
            ("events", self.marks.borrow().to_js().into()),
        ])
        .into()
    }
}

impl VoxanneClient {
    /// Permission, ticket and audio thread are on their way at the same time; the socket opens when the microphone is
    /// there, so that nobody is greeted while the browser still asks for it.
    async fn open(&self) -> Result<(), Failure> {
        let (server, site) = (self.options.server(), self.options.site());
        // Asked for first and awaited last; meanwhile the browser asks the caller, compiles and loads.
        let microphone = Microphone::ask();
        let mut ticket = Ticket::ask(&server, &site).await?;
        self.note("ticket");
        let mut worklet = self.audio_thread().await?;
        let microphone = microphone.await?;
        self.note("microphone");
        if !ticket.is_good() {
            ticket = Ticket::ask(&server, &site).await?;
        }
        worklet.listen_to(&microphone)?;
        self.output.replace(Some(worklet.node.clone().into()));
        let (welcome, welcomed) = oneshot::channel();
        let (listener, marks) = (self.listener.clone(), self.marks.clone());
        let call = Call::open(
            server, &ticket, listener, marks, worklet, microphone, welcome,
        )?;
        call.mute(self.muted.get());
        self.call.replace(Some(call));
        let late = sleep(WELCOME_WITHIN);
        pin_mut!(late);
        match select(welcomed, late).await {
            Either::Left((welcomed, _)) => welcomed.unwrap_or(Err(Failure::ConnectionLost)),
            Either::Right(_) => Err(Failure::Unreachable),
        }
    }

    async fn audio_thread(&self) -> Result<Worklet, Failure> {
        let module = JsFuture::from(self.options.module())
            .await
            .map_err(|_| Failure::Audio)?;
        JsFuture::from(self.options.worklet())
            .await
            .map_err(|_| Failure::Audio)?;
        self.note("audio_thread");
        Worklet::start(self.options.context(), &module)
    }

    fn note(&self, name: &'static str) {
        self.marks.borrow_mut().note(name, None);
    }
}

/// Wakes up after `millis`, by the page's timer.
async fn sleep(millis: i32) {
    let promise = Promise::new(&mut |resolve: Function, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis);
        }
    });
    let _: Result<JsValue, JsValue> = JsFuture::from(promise).await;
}

fn error(failure: Failure) -> JsValue {
    let error = js_sys::Error::new(failure.code());
    let _ = Reflect::set(&error, &"code".into(), &JsString::from(failure.code()));
    error.into()
}

#[wasm_bindgen(start)]
fn begin() {
    console_error_panic_hook::set_once();
}

/// A caller presses again before this; a socket that opens takes a tenth of it on a poor line.
const WELCOME_WITHIN: i32 = 10_000;
