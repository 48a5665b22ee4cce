//! What the worker asks of its own objects: a request that travels in a header, which no client can reach.

use std::fmt::Write as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Headers, Request, Result};

const HEADER: &str = "voxanne-request";

/// The headers of a request that asks this.
pub(crate) fn headers(asked: &impl Serialize) -> Result<Headers> {
    let headers = Headers::new();
    headers.set(HEADER, &ascii(asked)?)?;
    Ok(headers)
}

/// What a request asks.
pub(crate) fn read<T: DeserializeOwned>(request: &Request) -> Option<T> {
    let text = request.headers().get(HEADER).ok()??;
    serde_json::from_str(&text).ok()
}

/// JSON in ASCII: a header carries no other characters, and people have names.
fn ascii(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(value)?;
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string has no way to fail.
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_header_carries_is_ascii_and_means_the_same() {
        let text = "Zoë \"O'Hara\" 名前 👩🏽\n";
        let json = super::ascii(&text).unwrap();
        assert!(json.is_ascii(), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
