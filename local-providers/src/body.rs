//! The body of an answer, fed from a task: whole, cut wherever it falls, or a byte at a time; and what faults make of it.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::log::Exchange;
use crate::script::Fault;
use crate::server::Trouble;

/// The end of a body that is fed. A body that is not read holds its maker back, as TCP does.
pub(crate) struct Feed {
    sender: mpsc::Sender<io::Result<Bytes>>,
    waiting: Bytes,
    flow: Flow,
    next_at: Instant,
}

enum Flow {
    /// Each piece as it was given.
    Whole,
    /// Pieces of about this many bytes, of a width that keeps changing.
    Split {
        bytes: usize,
        width: usize,
    },
    Drip(Duration),
}

/// The client no longer reads.
pub(crate) struct Gone;

impl Feed {
    /// A feed and its body, which is cut into pieces of about `split` bytes, or not at all for 0.
    pub(crate) fn new(split: usize) -> (Self, Body) {
        let (sender, mut receiver) = mpsc::channel(CHUNKS_WAITING);
        let flow = match split {
            0 => Flow::Whole,
            bytes => Flow::Split { bytes, width: 0 },
        };
        let feed = Self {
            sender,
            waiting: Bytes::new(),
            flow,
            next_at: Instant::now(),
        };
        let body = stream::poll_fn(move |context| receiver.poll_recv(context));
        (feed, Body::from_stream(body))
    }

    /// Takes what is to be sent next, once nothing waits.
    pub(crate) fn give(&mut self, bytes: Vec<u8>) {
        self.waiting = Bytes::from(bytes);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends what waits; where nothing does, waits for the client to leave. It may be dropped and called again.
    pub(crate) async fn pour(&mut self) -> Result<(), Gone> {
        if self.waiting.is_empty() {
            self.sender.closed().await;
            return Err(Gone);
        }
        while !self.waiting.is_empty() {
            // A timer would round what is due up to the next millisecond.
            if self.next_at > Instant::now() {
                tokio::select! {
                    () = self.sender.closed() => return Err(Gone),
                    () = sleep_until(self.next_at) => {}
                }
            }
            let permit = self.sender.reserve().await.map_err(|_| Gone)?;
            let (width, gap) = match &mut self.flow {
                Flow::Whole => (self.waiting.len(), Duration::ZERO),
                Flow::Split { bytes, width } => {
                    // No border stays in one place of an event. Without a gap the pieces would leave in one packet and
                    // be read as one.
                    *width = (*width + 1) % 3;
                    (*bytes + *width, BETWEEN_PIECES)
                }
                Flow::Drip(every) => (1, *every),
            };
            let piece = self.waiting.split_to(width.min(self.waiting.len()));
            self.next_at = Instant::now() + gap;
            permit.send(Ok(piece));
        }
        Ok(())
    }

    /// What a fault does to the body, where the service has no words of its own for it. `noise` is what garbage looks like here.
    pub(crate) async fn suffer(
        mut self,
        fault: Fault,
        exchange: &mut Exchange,
        trouble: &mut Trouble,
        noise: &[u8],
    ) {
        let mut suffered = fault;
        loop {
            let garbage = match &suffered {
                Fault::Drip { every_ms, .. } => {
                    self.drip(*every_ms, exchange);
                    false
                }
                Fault::Garbage { .. } => {
                    exchange.ending(json!({ "by": "client", "fault": "garbage" }));
                    true
                }
                Fault::Stall { .. } => {
                    exchange.ending(json!({ "by": "client", "fault": "stall" }));
                    self.waiting.clear();
                    false
                }
                _ => return self.cut(exchange, "cut").await,
            };
            suffered = loop {
                if garbage && self.is_empty() {
                    self.give(noise.to_vec());
                }
                tokio::select! {
                    fault = trouble.next() => break fault,
                    poured = self.pour() => match poured {
                        Ok(()) => self.next_at = self.next_at.max(Instant::now() + GARBAGE_EVERY),
                        Err(Gone) => return,
                    },
                }
            };
        }
    }

    /// What is sent from now on leaves a byte at a time.
    pub(crate) fn drip(&mut self, every_ms: u64, exchange: &mut Exchange) {
        exchange.ending(json!({ "by": "client", "fault": "drip" }));
        self.flow = Flow::Drip(Duration::from_millis(every_ms));
    }

    /// Ends the body without its last chunk, so that the client sees a broken connection.
    pub(crate) async fn cut(self, exchange: &mut Exchange, fault: &str) {
        exchange.ending(json!({ "by": "fault", "fault": fault }));
        sleep(BEFORE_A_CUT).await;
        let error = io::Error::from(io::ErrorKind::ConnectionAborted);
        let _ = self.sender.send(Err(error)).await;
    }
}

/// The body of an answer that is made in one piece.
pub(crate) fn whole(mut exchange: Exchange, mut trouble: Trouble, bytes: Vec<u8>) -> Body {
    let (mut feed, body) = Feed::new(0);
    feed.give(bytes);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                fault = trouble.next() => match fault {
                    Fault::Drip { every_ms, .. } => feed.drip(every_ms, &mut exchange),
                    fault => return feed.suffer(fault, &mut exchange, &mut trouble, PAGE.as_bytes()).await,
                },
                poured = feed.pour() => {
                    if poured.is_ok() {
                        exchange.ending(json!({ "by": "server", "status": 200 }));
                    }
                    return;
                }
            }
        }
    });
    body
}

/// The page that stands in the place of an answer, if garbage is due before there is one.
pub(crate) fn page(exchange: &mut Exchange, trouble: &mut Trouble) -> Option<Response> {
    trouble.due_if(|fault| matches!(fault, Fault::Garbage { .. }))?;
    exchange.ending(json!({ "by": "server", "status": 200, "fault": "garbage" }));
    let mut response = Response::new(Body::from(PAGE));
    let kind = HeaderValue::from_static("text/html; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Some(response)
}

/// What a front says that has lost the service behind it, and takes that for success.
pub(crate) const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body><h1>Checking your connection</h1></body></html>\n";

/// From one piece of garbage to the next.
pub(crate) const GARBAGE_EVERY: Duration = Duration::from_millis(200);

const CHUNKS_WAITING: usize = 4;

/// What was sent before must have left: a connection that ends in an error drops what it holds.
const BEFORE_A_CUT: Duration = Duration::from_millis(5);

/// Long enough for the client to be woken for the piece before, too short to be felt.
const BETWEEN_PIECES: Duration = Duration::from_micros(200);
