//! What a listening socket's query asks for, and what of it is refused.

use axum::http::StatusCode;

use crate::deepgram::ear::Format;
use crate::deepgram::{BadRequest, Query};

/// What the query asks for.
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) format: Format,
    pub(crate) interim_results: bool,
    /// False when endpointing is off: no final is a `speech_final`.
    pub(crate) endpointing: bool,
    pub(crate) utterance_end: Option<f64>,
    pub(crate) vad_events: bool,
    /// Whether words come capitalised and punctuated.
    pub(crate) written: bool,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Self, BadRequest> {
        let model = query.first("model").unwrap_or("nova-2").to_owned();
        let nova = model == "nova"
            || model.starts_with("nova-")
            || ["base", "enhanced", "general"].contains(&model.as_str());
        if !nova {
            return Err(BadRequest::with(
                StatusCode::BAD_REQUEST,
                "Bad Request",
                "No such model/language/tier combination found.",
            ));
        }
        let is_nova_3 = model.starts_with("nova-3");
        if query.first("keyterm").is_some() && !is_nova_3 {
            return Err(BadRequest::new("keyterm is supported by nova-3 only."));
        }
        if query.first("keywords").is_some() && is_nova_3 {
            return Err(BadRequest::new(
                "keywords is not supported by nova-3: use keyterm.",
            ));
        }
        let format = Format::parse(query, |rate| RATES.contains(&rate), "from 8000 to 48000")?;
        if query
            .number::<u32>("channels")?
            .is_some_and(|channels| channels != 1)
            || query.flag("multichannel")?
        {
            return Err(BadRequest::new("channels must be 1 on this machine."));
        }
        let endpointing = match query.first("endpointing") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => query.number::<u32>("endpointing")?.is_some(),
        };
        let interim_results = query.flag("interim_results")?;
        let utterance_end: Option<u32> = query.number("utterance_end_ms")?;
        if utterance_end.is_some_and(|ms| ms < UTTERANCE_END_LEAST_MS || !interim_results) {
            return Err(BadRequest::new(
                "utterance_end_ms must be at least 1000 and needs interim_results=true.",
            ));
        }
        for name in [
            "numerals",
            "profanity_filter",
            "dictation",
            "no_delay",
            "diarize",
            "mip_opt_out",
        ] {
            query.flag(name)?;
        }
        Ok(Self {
            model,
            format,
            interim_results,
            endpointing,
            utterance_end: utterance_end.map(|ms| f64::from(ms) / 1e3),
            vad_events: query.flag("vad_events")?,
            written: query.flag("smart_format")? | query.flag("punctuate")?,
        })
    }
}

/// What raw audio may come at.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// The vendor's lower limit.
const UTTERANCE_END_LEAST_MS: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Encoding;

    fn refused(query: &str) -> String {
        Options::parse(&Query::parse(Some(query)))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn accepts_a_telephone_leg() {
        let query = "model=nova-2-phonecall&encoding=mulaw&sample_rate=8000&channels=1&interim_results=true\
                     &endpointing=300&utterance_end_ms=1000&vad_events=true&smart_format=true&no_delay=true";
        let options = Options::parse(&Query::parse(Some(query)))
            .map_err(|error| error.to_string())
            .expect("valid");
        assert_eq!(
            (options.format.encoding, options.format.rate),
            (Some(Encoding::Mulaw), 8_000)
        );
        assert!(
            options.endpointing && options.vad_events && options.written && options.interim_results
        );
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let raw = "encoding=linear16&sample_rate=16000";
        assert!(refused(&format!("model=flux-general-en&{raw}")).contains("No such model"));
        assert!(refused("model=nova-2&encoding=linear16").contains("sample_rate"));
        assert!(refused("model=nova-2&encoding=linear17&sample_rate=16000").contains("encoding"));
        assert!(
            refused(&format!("{raw}&interim_results=true&utterance_end_ms=999")).contains("1000")
        );
        assert!(refused(&format!("{raw}&utterance_end_ms=1000")).contains("interim_results"));
        assert!(refused(&format!("{raw}&interim_results=yes")).contains("true or false"));
        assert!(refused(&format!("{raw}&endpointing=soon")).contains("number"));
        assert!(refused(&format!("model=nova-2&keyterm=tooth&{raw}")).contains("nova-3"));
        assert!(refused(&format!("model=nova-3&keywords=tooth&{raw}")).contains("keyterm"));
    }
}
