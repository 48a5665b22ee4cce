//! One media stream: the caller's frames in real time, the far buffer's marks as they are reached, and every message late by
//! what the network takes.

use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::event::{EventKind, Side, millis};
use super::line::{Command, Line};
use super::message::{Request, Script};
use super::microphone::FRAME;
use super::twiml::Stream;
use crate::log::Exchange;
use crate::server::Trouble;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A stream under way.
pub(crate) struct Media {
    line: Arc<Line>,
    script: Script,
    exchange: Exchange,
    log_audio: bool,
    outbox: mpsc::UnboundedSender<(Instant, Message)>,
    inbox: mpsc::UnboundedReceiver<Arrival>,
    writer: JoinHandle<()>,
    reader: JoinHandle<()>,
    /// When the next frame of the caller's is complete.
    next_frame: Instant,
    /// Nothing is sent any more.
    is_stalled: bool,
    messages: u64,
    warned: Vec<u32>,
}

/// What the socket gave, and when it gets here.
struct Arrival {
    due: Instant,
    message: Option<Message>,
}

impl Arrival {
    /// The connection was lost.
    fn nothing() -> Self {
        Self {
            due: Instant::now(),
            message: None,
        }
    }
}

/// Why a stream ended.
pub(crate) enum End {
    /// By the worker or by the network.
    Closed,
    /// By somebody at this end, who wants this to be done next.
    Commanded(Command),
}

impl Media {
    /// Begins a stream on an open socket.
    pub(crate) fn begin(
        line: Arc<Line>,
        socket: Socket,
        stream: &Stream,
        stream_sid: String,
        exchange: Exchange,
        log_audio: bool,
    ) -> Self {
        let now = Instant::now();
        let (sink, source) = socket.split();
        let (outbox, to_write) = mpsc::unbounded_channel();
        let (read, inbox) = mpsc::unbounded_channel();
        let network = line.dial.network;
        let writer = tokio::spawn(write(sink, to_write));
        let reader = tokio::spawn(listen(source, read, network));
        // The first chunk was never seen at 0: the line takes its time.
        let first = FIRST_TIMESTAMP.0
            + u64::from(stream_sid.bytes().map(u32::from).sum::<u32>())
                % (FIRST_TIMESTAMP.1 - FIRST_TIMESTAMP.0 + 1);
        let next_frame = now + Duration::from_millis(first);
        let begins = line.position(next_frame).saturating_sub(FRAME);
        line.state().microphone.open(begins);
        let mut media = Self {
            script: Script::new(stream_sid.clone(), first),
            line,
            exchange,
            log_audio,
            outbox,
            inbox,
            writer,
            reader,
            next_frame,
            is_stalled: false,
            messages: 0,
            warned: Vec::new(),
        };
        media.send("connected", Value::Null, Script::connected());
        let start = media.script.start(
            &media.line.dial.account_sid,
            &media.line.call_sid,
            &stream.parameters,
        );
        media.send("start", json!({ "stream_sid": stream_sid }), start);
        media.line.tell(EventKind::StreamOpened { stream_sid });
        media
    }

    /// Runs to the end of the stream.
    pub(crate) async fn run(
        mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        trouble: &mut Trouble,
    ) -> End {
        let mut arrival: Option<Arrival> = None;
        let end = loop {
            let mark_due = self.line.state().playout.next_mark();
            let mark_due = mark_due.map(|position| self.line.moment(position));
            let arrival_due = arrival.as_ref().map(|arrival| arrival.due);
            let soon = |due: Option<Instant>| sleep_until(due.unwrap_or_else(Instant::now));
            tokio::select! {
                biased;
                command = commands.recv() => match command.unwrap_or(Command::HangUp) {
                    Command::Press(digit) => {
                        self.line.tell(EventKind::Pressed { digit });
                        let message = self.script.dtmf(digit);
                        self.send("dtmf", json!({ "digit": digit.to_string() }), message);
                    }
                    Command::Stall => self.is_stalled = true,
                    command => break End::Commanded(command),
                },
                _ = trouble.next() => break End::Commanded(Command::Cut),
                next = self.inbox.recv(), if arrival.is_none() => {
                    let next = next.unwrap_or_else(Arrival::nothing);
                    // A timer would round a message that is here up to the next millisecond.
                    if next.due > Instant::now() {
                        arrival = Some(next);
                    } else if self.receive(next) {
                        break End::Closed;
                    }
                }
                () = soon(arrival_due), if arrival_due.is_some() => {
                    if let Some(next) = arrival.take() && self.receive(next) {
                        break End::Closed;
                    }
                }
                () = soon(mark_due), if mark_due.is_some() => self.return_marks(),
                () = sleep_until(self.next_frame), if !self.is_stalled => {
                    let frame = self.line.state().microphone.frame();
                    let message = self.script.media(&frame);
                    self.send("media", json!({ "bytes": frame.len() }), message);
                    self.next_frame += Duration::from_millis(20);
                }
            }
        };
        self.finish(end).await
    }

    /// Takes what the worker sent; true when the stream is over.
    fn receive(&mut self, arrival: Arrival) -> bool {
        let at = self.line.position(arrival.due);
        match arrival.message {
            Some(Message::Text(text)) => self.request(at, &text),
            Some(Message::Binary(bytes)) => {
                self.exchange
                    .received("binary", json!({ "bytes": bytes.len() }));
                self.warn(31_950, "a binary frame");
            }
            Some(Message::Close(frame)) => {
                let code = frame.map_or(1_005, |frame| frame.code.into());
                self.exchange
                    .ending(json!({ "by": "client", "code": code }));
                self.line.warn(31_921, "the server closed the socket");
                let by = Side::Worker;
                self.line.tell_at(at, EventKind::Closed { code, by });
                return true;
            }
            Some(_) => {}
            None => {
                self.line.warn(31_903, "the connection was lost");
                self.lost(at);
                return true;
            }
        }
        false
    }

    fn request(&mut self, at: u64, text: &str) {
        match Request::parse(text, self.script.stream_sid()) {
            Ok(Request::Media(codes)) => {
                if self.log_audio {
                    self.exchange
                        .received("media", json!({ "bytes": codes.len() }));
                }
                self.messages += 1;
                let (message, samples) = (self.messages, codes.len() as u64);
                let buffered = {
                    let playout = &mut self.line.state().playout;
                    playout.media(at, codes, message);
                    playout.buffered(at)
                };
                let buffered_ms = millis(buffered);
                self.line.tell_at(
                    at,
                    EventKind::Media {
                        message,
                        samples,
                        buffered_ms,
                    },
                );
            }
            Ok(Request::Mark(name)) => {
                self.exchange.received("mark", json!({ "name": name }));
                self.line
                    .tell_at(at, EventKind::MarkReceived { name: name.clone() });
                let reached = self.line.state().playout.mark(at, name.clone());
                if reached {
                    self.return_mark(name, false);
                }
            }
            Ok(Request::Clear) => {
                let (discarded, marks) = self.line.state().playout.clear(at);
                self.exchange
                    .received("clear", json!({ "discarded": discarded }));
                self.line
                    .tell_at(at, EventKind::ClearReceived { discarded });
                for name in marks {
                    self.return_mark(name, true);
                }
            }
            Err(reason) => {
                self.exchange.received("invalid", json!({ "why": reason }));
                self.warn(31_951, &reason);
            }
        }
    }

    fn return_marks(&mut self) {
        let reached = {
            let now = self.line.now();
            self.line.state().playout.reached(now)
        };
        for name in reached {
            self.return_mark(name, false);
        }
    }

    fn return_mark(&mut self, name: String, by_clear: bool) {
        let message = self.script.mark(&name);
        let fields = json!({ "name": name, "by_clear": by_clear });
        self.send("mark", fields, message);
        self.line.tell(EventKind::MarkReturned { name, by_clear });
    }

    /// Each warning is given once for each stream.
    fn warn(&mut self, code: u32, reason: &str) {
        if !self.warned.contains(&code) {
            self.warned.push(code);
            self.line.warn(code, reason);
        }
    }

    fn send(&self, kind: &'static str, fields: Value, text: String) {
        if self.is_stalled {
            return;
        }
        if self.log_audio || kind != "media" {
            self.exchange.sent(kind, fields);
        }
        let due = Instant::now() + self.line.dial.network;
        // A writer that has ended means a reader that will say so.
        let _ = self.outbox.send((due, Message::text(text)));
    }

    fn lost(&mut self, at: u64) {
        self.exchange
            .ending(json!({ "by": "network", "code": 1_006 }));
        let (code, by) = (1_006, Side::Network);
        self.line.tell_at(at, EventKind::Closed { code, by });
    }

    async fn finish(mut self, end: End) -> End {
        if let End::Commanded(command) = &end {
            if matches!(command, Command::Cut) {
                self.lost(self.line.now());
            } else {
                self.stop().await;
            }
        }
        // Both halves are gone when this returns, and the connection with them.
        for task in [&mut self.reader, &mut self.writer] {
            task.abort();
            if !task.is_finished() {
                let _ = task.await;
            }
        }
        let now = self.line.now();
        {
            let mut state = self.line.state();
            state.playout.clear(now);
            state.microphone.close();
        }
        end
    }

    /// Says that the stream is over, closes, and gives the other side a moment to do the same.
    async fn stop(&mut self) {
        let stop = self
            .script
            .stop(&self.line.dial.account_sid, &self.line.call_sid);
        self.send("stop", Value::Null, stop);
        self.line.tell(EventKind::Stopped);
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::from_static(""),
        };
        let due = Instant::now() + self.line.dial.network;
        let _ = self.outbox.send((due, Message::Close(Some(frame))));
        self.exchange
            .ending(json!({ "by": "server", "code": 1_000 }));
        let (code, by) = (1_000, Side::Twilio);
        self.line.tell(EventKind::Closed { code, by });
        let limit = CLOSING + 2 * self.line.dial.network;
        // A worker that does not answer the close is left alone.
        let _ = timeout(limit, &mut self.reader).await;
    }
}

/// Sends each message when it is due; they are due in order.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    mut to_write: mpsc::UnboundedReceiver<(Instant, Message)>,
) {
    while let Some((due, message)) = to_write.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        if sink.send(message).await.is_err() {
            return;
        }
    }
}

/// Reads to the end of the connection. A message without content is that end, if no close frame came before.
async fn listen(
    mut source: SplitStream<Socket>,
    read: mpsc::UnboundedSender<Arrival>,
    network: Duration,
) {
    loop {
        let message = source.next().await.and_then(Result::ok);
        let over = matches!(message, None | Some(Message::Close(_)));
        let due = Instant::now() + network;
        if read.send(Arrival { due, message }).is_err() || over {
            break;
        }
    }
    // The answer to a close frame goes out with the next read.
    let _ = source.next().await;
}

/// Seen on the wire, in milliseconds.
const FIRST_TIMESTAMP: (u64, u64) = (88, 171);

/// How long a close may go unanswered.
const CLOSING: Duration = Duration::from_secs(1);
