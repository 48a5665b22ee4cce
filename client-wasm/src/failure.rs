//! Why there is no call, as a closed list of codes. The words for each, and the way out, are the page's.

use voice_core::wire::RefusalCode;

/// What went wrong, as a caller would tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The audio thread could not be started, or broke.
    Audio,
    /// The line was there and is gone.
    ConnectionLost,
    /// The page has no right to a microphone: it is not served over HTTPS.
    InsecurePage,
    MicrophoneBusy,
    MicrophoneDenied,
    /// The microphone was unplugged during the call.
    MicrophoneLost,
    MicrophoneMissing,
    /// Any other way of a microphone to fail.
    MicrophoneFailed,
    /// Browser and edge speak different protocols: the page is older or newer than the edge.
    Protocol,
    /// The edge does not take calls from this page.
    SiteRefused,
    /// Ended before it began, by the caller.
    Stopped,
    TooManyCalls,
    /// The edge answers, but cannot serve the call.
    Unavailable,
    /// The edge cannot be reached.
    Unreachable,
}

impl Failure {
    /// The code in `voxanne-error`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Audio => "audio_failed",
            Self::ConnectionLost => "connection_lost",
            Self::InsecurePage => "insecure_page",
            Self::MicrophoneBusy => "microphone_busy",
            Self::MicrophoneDenied => "microphone_denied",
            Self::MicrophoneFailed => "microphone_failed",
            Self::MicrophoneLost => "microphone_lost",
            Self::MicrophoneMissing => "microphone_missing",
            Self::Protocol => "protocol",
            Self::SiteRefused => "site_refused",
            Self::Stopped => "stopped",
            Self::TooManyCalls => "too_many_calls",
            Self::Unavailable => "unavailable",
            Self::Unreachable => "unreachable",
        }
    }

    /// What a failed `getUserMedia` means, by the name of its exception (Media Capture and Streams, 10.2.1).
    pub(crate) fn of_microphone(exception: &str) -> Self {
        match exception {
            "NotAllowedError" | "SecurityError" => Self::MicrophoneDenied,
            "NotFoundError" | "OverconstrainedError" => Self::MicrophoneMissing,
            "NotReadableError" | "AbortError" => Self::MicrophoneBusy,
            _ => Self::MicrophoneFailed,
        }
    }

    /// What a refused ticket means, by the answer's status.
    pub(crate) const fn of_ticket(status: u16) -> Self {
        match status {
            429 => Self::TooManyCalls,
            400..=499 => Self::SiteRefused,
            _ => Self::Unavailable,
        }
    }

    /// What a refusal on the open line means.
    pub(crate) const fn of_refusal(code: RefusalCode) -> Self {
        match code {
            RefusalCode::Unavailable => Self::Unavailable,
            RefusalCode::BadFrame
            | RefusalCode::BadMessage
            | RefusalCode::TooFast
            | RefusalCode::TooLarge
            | RefusalCode::Version => Self::Protocol,
        }
    }
}
