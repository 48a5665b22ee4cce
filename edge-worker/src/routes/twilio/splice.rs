//! Carries a media stream between the telephone company's socket and the one of the call's object.
//!
//! Up to the start the messages are read here (`gate`); then the object's socket is opened, and everything passes as it is. The
//! object reads it again and believes nothing. If one side goes, so does the other, at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use js_sys::JsString;
use worker::{Delay, Env, Method, Request, RequestInit, WebSocket, console_log, console_warn};

use super::PATIENCE;
use super::gate::{Gate, Refusal, Verdict};
use super::line::{Close, Line, LineEvent, Sender};
use crate::call::CallRequest;
use crate::clock::unix_millis;
use crate::twilio::{CallSid, StreamSid};

/// How long a stream may take to say whose it is: real ones do so at once.
const START_WITHIN: Duration = Duration::from_secs(5);

/// The longest message, in characters: a second of sound in one message would have 11,000.
const MESSAGE_MAX: u32 = 64 * 1024;

/// Binary messages that are passed over before the socket is closed: the company sends none.
const BINARY_MAX: u32 = 10;

/// What may wait while the object's socket opens: five seconds of sound have 250 messages, and 90,000 characters.
const WAITING_MESSAGES: usize = 512;
const WAITING_CHARACTERS: u32 = 256 * 1024;

/// What the splice has to do next.
enum News {
    /// The first message that counts has been accepted.
    Admitted(CallSid, StreamSid),
    Ended(Ending),
}

/// How the splice ended, and by whom.
struct Ending {
    by: &'static str,
    close: Close,
}

impl Ending {
    fn ours(code: u16, reason: impl Into<String>) -> Self {
        Self {
            by: "worker",
            close: Close::new(code, reason),
        }
    }
}

/// What is done with the company's messages.
enum Stage {
    Before(Gate),
    Opening { waiting: Vec<JsString>, length: u32 },
    Spliced(Sender),
    Over,
}

/// What both sockets' listeners share.
struct Splice {
    stage: RefCell<Stage>,
    binary: Cell<u32>,
    news: UnboundedSender<News>,
}

/// Carries one stream until either side ends it.
pub(super) async fn run(company: WebSocket, gate: Gate, env: Env) {
    let (sender, mut news) = unbounded();
    let splice = Rc::new(Splice {
        stage: RefCell::new(Stage::Before(gate)),
        binary: Cell::new(0),
        news: sender,
    });
    let company = {
        let splice = splice.clone();
        Line::open(company, move |event| splice.on_company(event))
    };
    let Ok(company) = company else {
        return;
    };
    let (call, stream) = match next(&mut news, START_WITHIN).await {
        Some(News::Admitted(call, stream)) => (call, stream),
        Some(News::Ended(ending)) => return end(&splice, "stream", &ending, &[&company]),
        None => {
            let ending = Ending::ours(1008, Refusal::NoStart.to_string());
            return end(&splice, "stream", &ending, &[&company]);
        }
    };
    let name = format!("call {call} stream {stream}");
    let object = match open(&env, call, stream).await {
        Ok(socket) => {
            let (splice, to_company) = (splice.clone(), Rc::new(company.sender()));
            Line::open(socket, move |event| splice.on_object(&to_company, event))
                .map_err(out_of_reach)
        }
        Err(ending) => Err(ending),
    };
    let object = match object {
        Ok(object) => object,
        Err(ending) => return end(&splice, &name, &ending, &[&company]),
    };
    splice.join(object.sender());
    if let Some(News::Ended(ending)) = news.next().await {
        end(&splice, &name, &ending, &[&object, &company]);
    }
}

/// The next news, unless it takes longer than `patience`.
async fn next(news: &mut UnboundedReceiver<News>, patience: Duration) -> Option<News> {
    match select(news.next(), Delay::from(patience)).await {
        Either::Left((news, _)) => news,
        Either::Right(_) => None,
    }
}

fn end(splice: &Splice, name: &str, ending: &Ending, lines: &[&Line]) {
    splice.stage.replace(Stage::Over);
    for line in lines {
        line.close(&ending.close);
    }
    let (by, Close { code, reason }) = (ending.by, &ending.close);
    let binary = splice.binary.get();
    if ending.by == "worker" {
        console_warn!("{name}: closed by the {by}, {code} {reason}; {binary} binary messages");
    } else {
        // What the other side says is not repeated.
        console_log!("{name}: closed by the {by}, {code}; {binary} binary messages");
    }
}

/// The reason is for us: a close has room for few words, and they are not for the other side.
fn out_of_reach(error: worker::Error) -> Ending {
    console_warn!("a call's object cannot be reached: {error}");
    Ending::ours(1011, "the call did not answer")
}

/// Opens the socket of the call's object.
async fn open(env: &Env, call: CallSid, stream: StreamSid) -> Result<WebSocket, Ending> {
    let answer = async {
        let object = env.durable_object("CALL")?.get_by_name(call.as_str())?;
        let upgrade = CallRequest::Stream { call, stream };
        let mut init = RequestInit::new();
        init.with_method(Method::Get)
            .with_headers(upgrade.to_upgrade()?);
        let inner = Request::new_with_init("https://call/", &init)?;
        object.fetch_with_request(inner).await
    };
    let response = match select(Box::pin(answer), Delay::from(PATIENCE)).await {
        Either::Left((answer, _)) => answer.map_err(out_of_reach)?,
        Either::Right(_) => return Err(Ending::ours(1011, "no answer in time")),
    };
    let status = response.status_code();
    response.websocket().ok_or_else(|| match status {
        404 => Ending::ours(1008, "no such call"),
        409 => Ending::ours(1008, "token used"),
        _ => Ending::ours(1011, format!("status {status}")),
    })
}

impl Splice {
    fn on_company(&self, event: LineEvent) {
        match event {
            LineEvent::Text(text) if text.length() > MESSAGE_MAX => {
                self.end(Ending::ours(1009, "message too long"));
            }
            LineEvent::Text(text) => self.on_text(text),
            LineEvent::Binary => {
                let binary = self.binary.get().saturating_add(1);
                self.binary.set(binary);
                if binary > BINARY_MAX {
                    self.end(Ending::ours(1003, "binary messages"));
                }
            }
            LineEvent::Closed(close) => self.end(Ending {
                by: "company",
                close,
            }),
        }
    }

    fn on_object(&self, company: &Sender, event: LineEvent) {
        match event {
            LineEvent::Text(text) => company.send(&text),
            LineEvent::Binary => {}
            LineEvent::Closed(close) => self.end(Ending { by: "call", close }),
        }
    }

    fn on_text(&self, text: JsString) {
        let mut stage = self.stage.borrow_mut();
        let ending = match &mut *stage {
            Stage::Before(gate) => match gate.look(&String::from(text), unix_millis() / 1_000) {
                Verdict::Wait => return,
                Verdict::Admit { call, stream } => {
                    *stage = Stage::Opening {
                        waiting: Vec::new(),
                        length: 0,
                    };
                    self.tell(News::Admitted(call, stream));
                    return;
                }
                Verdict::Refuse(refusal) => Ending::ours(1008, refusal.to_string()),
            },
            Stage::Opening { waiting, length } => {
                *length = length.saturating_add(text.length());
                waiting.push(text);
                if waiting.len() <= WAITING_MESSAGES && *length <= WAITING_CHARACTERS {
                    return;
                }
                Ending::ours(1011, "the call is not ready in time")
            }
            Stage::Spliced(object) => return object.send(&text),
            Stage::Over => return,
        };
        *stage = Stage::Over;
        self.tell(News::Ended(ending));
    }

    /// Sends on what has waited, and from now on everything at once.
    fn join(&self, object: Sender) {
        let mut stage = self.stage.borrow_mut();
        if let Stage::Opening { waiting, .. } = &mut *stage {
            for text in waiting.drain(..) {
                object.send(&text);
            }
            *stage = Stage::Spliced(object);
        }
    }

    fn end(&self, ending: Ending) {
        self.stage.replace(Stage::Over);
        self.tell(News::Ended(ending));
    }

    fn tell(&self, news: News) {
        // The task is gone: the splice is over.
        let _ = self.news.unbounded_send(news);
    }
}
