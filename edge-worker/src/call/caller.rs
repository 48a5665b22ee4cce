//! Who is at the other end of a call, on a socket that has not been accepted.

use voice_core::wire::{Outcome, ServerMessage};
use worker::WebSocket;

use crate::twilio::StreamSid;

/// Who is at the other end, on a socket that has not been accepted.
pub(super) enum Caller {
    Browser {
        socket: WebSocket,
        /// The right to come back.
        resume: String,
    },
    /// The browser of a call that is on, on another line.
    Back(WebSocket),
    Telephone {
        socket: WebSocket,
        stream: StreamSid,
    },
}

impl Caller {
    /// The call was over before this end of it was connected.
    pub(super) fn turn_away(self) {
        let socket = self.into_socket();
        // Only an accepted socket can be closed. If the caller is gone, both fail and that is well.
        let _ = socket.accept();
        let _ = socket.close(Some(1011), Some("call over"));
    }

    /// The call that the caller wants to go on with has ended like this.
    pub(super) fn tell_end(self, outcome: Outcome) {
        let socket = self.into_socket();
        let ended = ServerMessage::Ended { outcome };
        // As above; a browser that does not hear of it hears of nothing else either.
        let _ = socket.accept();
        let _ = socket.send(&ended);
        let _ = socket.close(Some(1000), Some("call over"));
    }

    fn into_socket(self) -> WebSocket {
        match self {
            Self::Browser { socket, .. } | Self::Telephone { socket, .. } | Self::Back(socket) => {
                socket
            }
        }
    }
}
