//! What lies between the server and the bytes of a connection: a valve that lets them through, lets them drip, or shuts for
//! good. HTTP and WebSocket libraries answer every request and send whole frames; a vendor that fails does neither.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// The valve of one connection. By default it is one of no connection, which moves nothing.
#[derive(Clone, Default)]
pub(crate) struct Valve(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    flow: Flow,
    /// Of the task that reads the connection.
    reader: Option<Waker>,
}

#[derive(Clone, Copy, Default)]
enum Flow {
    #[default]
    Free,
    Drip(Duration),
    Shut,
}

impl Valve {
    /// What is sent from now on leaves a byte at a time.
    pub(crate) fn drip(&self, every: Duration) {
        self.state().flow = Flow::Drip(every);
    }

    /// The connection is lost, whatever was about to be said on it.
    pub(crate) fn shut(&self) {
        let mut state = self.state();
        state.flow = Flow::Shut;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sync> FromRequestParts<S> for Valve {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let valve = parts.extensions.get::<ConnectInfo<Self>>();
        Ok(valve
            .map(|ConnectInfo(valve)| valve.clone())
            .unwrap_or_default())
    }
}

impl Connected<IncomingStream<'_, Taps>> for Valve {
    fn connect_info(stream: IncomingStream<'_, Taps>) -> Self {
        stream.io().valve.clone()
    }
}

/// A listener whose connections have valves.
pub(crate) struct Taps(pub(crate) TcpListener);

impl Listener for Taps {
    type Io = Tap;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Tap, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.0).await;
        // Small frames go out at once: Nagle's algorithm would hold a token back for the peer's delayed ACK.
        let _ = stream.set_nodelay(true);
        let tap = Tap {
            stream,
            valve: Valve::default(),
            kept: VecDeque::new(),
            next: None,
        };
        (tap, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection behind its valve.
pub(crate) struct Tap {
    stream: TcpStream,
    valve: Valve,
    /// Bytes that have not dripped out yet. They are taken at once, so that whoever writes them goes on reading.
    kept: VecDeque<u8>,
    /// When the next of them leaves.
    next: Option<Pin<Box<Sleep>>>,
}

impl Tap {
    /// Lets out what is due. Whoever reads drives this, and everybody reads.
    fn pour(&mut self, context: &mut Context<'_>, every: Duration) -> Poll<io::Result<()>> {
        while let Some(&byte) = self.kept.front() {
            if let Some(next) = &mut self.next {
                ready!(next.as_mut().poll(context));
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &[byte]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.kept.pop_front();
            self.next = Some(Box::pin(sleep(every)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flow = {
            let mut state = this.valve.state();
            state.reader = Some(context.waker().clone());
            state.flow
        };
        match flow {
            Flow::Free => {}
            Flow::Drip(every) => {
                if let Poll::Ready(Err(error)) = this.pour(context, every) {
                    return Poll::Ready(Err(error));
                }
            }
            Flow::Shut => return Poll::Ready(Err(lost())),
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let flow = this.valve.state().flow;
        match flow {
            Flow::Free => Pin::new(&mut this.stream).poll_write(context, bytes),
            Flow::Drip(every) => {
                this.kept.extend(bytes);
                if let Poll::Ready(Err(error)) = this.pour(context, every) {
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(bytes.len()))
            }
            Flow::Shut => Poll::Ready(Err(lost())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

fn lost() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
