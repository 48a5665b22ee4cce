//! A socket at the far end of a network that takes its time: every message arrives so much later, in its order.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Our end. Dropping it loses the connection, once what is under way has left.
pub(crate) struct FarSocket {
    sender: UnboundedSender<Message>,
    receiver: UnboundedReceiver<Result<Message, SocketError>>,
    reads: watch::Sender<bool>,
}

impl FarSocket {
    /// The `delay` is that of one way.
    pub(crate) fn new(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, delay: Duration) -> Self {
        let (mut sink, from_far) = socket.split();
        let (sender, to_send) = unbounded_channel();
        let (sent, mut arriving) = unbounded_channel();
        let (received, receiver) = unbounded_channel();
        let to_send = stream::unfold(to_send, |mut queue| async {
            queue.recv().await.map(|message| (message, queue))
        });
        tokio::spawn(carry(to_send, sent, delay));
        tokio::spawn(async move {
            while let Some(message) = arriving.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        });
        let (reads, gate) = watch::channel(true);
        let from_far = stream::unfold((from_far, gate), |(mut from, mut gate)| async {
            gate.wait_for(|reads| *reads).await.ok()?;
            let item = from.next().await?;
            Some((item, (from, gate)))
        });
        tokio::spawn(carry(from_far, received, delay));
        Self {
            sender,
            receiver,
            reads,
        }
    }

    /// Reads the connection or leaves what comes to the other side's buffers, but for one message.
    pub(crate) fn read(&self, reads: bool) {
        self.reads.send_replace(reads);
    }

    /// Sends without waiting. A connection that is gone is found out by reading it to its end: what came before that still counts.
    pub(crate) fn send(&self, message: Message) {
        let _ = self.sender.send(message);
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, SocketError>> {
        self.receiver.recv().await
    }
}

async fn carry<T>(from: impl Stream<Item = T>, to: UnboundedSender<T>, delay: Duration) {
    let mut from = pin!(from);
    let mut under_way: VecDeque<(Instant, T)> = VecDeque::new();
    loop {
        let due = under_way.front().map(|(due, _)| *due);
        tokio::select! {
            biased;
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((_, item)) = under_way.pop_front()
                    && to.send(item).is_err()
                {
                    return;
                }
            }
            item = from.next() => match item {
                Some(item) => under_way.push_back((Instant::now() + delay, item)),
                None => break,
            },
            () = to.closed() => return,
        }
    }
    for (due, item) in under_way {
        sleep_until(due).await;
        if to.send(item).is_err() {
            return;
        }
    }
}
