//! What the query of a voice asks for, over a socket or over REST.

use axum::http::StatusCode;

use super::super::{BadRequest, Query};
use crate::audio::Encoding;

/// How the answer travels; the two accept different formats.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    Rest,
    Socket,
}

/// What the query asks for.
pub(crate) struct Voice {
    pub(crate) model: String,
    pub(crate) encoding: Encoding,
    pub(crate) rate: u32,
    /// Whether a WAV header comes first.
    pub(crate) container: bool,
}

impl Voice {
    pub(crate) fn parse(query: &Query, medium: Medium) -> Result<Self, BadRequest> {
        let model = query.first("model").unwrap_or("aura-asteria-en");
        if !model.starts_with("aura-") {
            return Err(BadRequest::with(
                StatusCode::BAD_REQUEST,
                "Bad Request",
                format!("No such model: {model}."),
            ));
        }
        let name = query.first("encoding").unwrap_or(match medium {
            Medium::Rest => "mp3",
            Medium::Socket => "linear16",
        });
        let encoding = Encoding::from_name(name).ok_or_else(|| {
            BadRequest::new("encoding must be linear16, mulaw or alaw: the others are not made on this machine.")
        })?;
        let (default, allowed): (u32, &[u32]) = match encoding {
            Encoding::Linear16 => (24_000, &[8_000, 16_000, 24_000, 32_000, 48_000]),
            Encoding::Alaw | Encoding::Mulaw => (8_000, &[8_000, 16_000]),
        };
        let rate = query
            .number("sample_rate")?
            .unwrap_or(if medium == Medium::Rest {
                default
            } else {
                24_000
            });
        if !allowed.contains(&rate) {
            return Err(BadRequest::new(format!(
                "sample_rate is not supported with encoding {name}."
            )));
        }
        let container = match (query.first("container"), medium) {
            (Some("none"), _) | (None, Medium::Socket) => false,
            (Some("wav") | None, Medium::Rest) => true,
            (Some(_), _) => return Err(BadRequest::new("container is not supported here.")),
        };
        query.flag("mip_opt_out")?;
        Ok(Self {
            model: model.to_owned(),
            encoding,
            rate,
            container,
        })
    }
}
