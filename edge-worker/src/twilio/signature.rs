//! Whether a request comes from the telephone company: it signs what it sends with the account's token.
//!
//! A webhook's signature covers the address as the company wrote it and every member of the form, unknown ones too. A socket's covers the
//! address alone. Addresses are tried in the few spellings in which the company is known to differ from its own words.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest as _, Sha1};

use crate::settings::Secret;

/// The block of SHA-1: a longer key is hashed, as HMAC (RFC 2104) has it.
const BLOCK: usize = 64;

/// Checks signatures made with one account's token.
#[derive(Clone)]
pub struct Verifier(Hmac<Sha1>);

/// In which spelling a socket's address was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedForm {
    /// As it stands in the document, `wss://…`.
    AsWritten,
    WithSlash,
    AsHttp,
    AsHttpWithSlash,
}

impl fmt::Display for SignedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsWritten => "as written",
            Self::WithSlash => "with a slash",
            Self::AsHttp => "as http",
            Self::AsHttpWithSlash => "as http with a slash",
        })
    }
}

impl Verifier {
    /// A verifier for the account with this token.
    #[must_use]
    pub fn new(token: &Secret) -> Self {
        let token = token.reveal().as_bytes();
        let digest;
        let key = if token.len() > BLOCK {
            digest = Sha1::digest(token);
            digest.as_slice()
        } else {
            token
        };
        let mut block = [0; BLOCK];
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// Whether this is the signature of a form posted to this address.
    #[must_use]
    pub fn is_form(
        &self,
        url: &str,
        members: &[(Cow<'_, str>, Cow<'_, str>)],
        signature: &str,
    ) -> bool {
        let Some(tag) = decode(signature) else {
            return false;
        };
        // By the name alone: joined with its value, `Reason` could come after `ReasonConferenceEnded`.
        let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in members {
            sorted.entry(name).or_default().insert(value);
        }
        let mut text = String::new();
        for (name, values) in &sorted {
            for value in values {
                text.push_str(name);
                text.push_str(value);
            }
        }
        spellings(url)
            .iter()
            .any(|url| self.signs(&[url, &text], &tag))
    }

    /// In which spelling this is the signature of a socket opened at this `ws` or `wss` address; `None` if in none.
    #[must_use]
    pub fn upgrade(&self, url: &str, signature: &str) -> Option<SignedForm> {
        let tag = decode(signature)?;
        let http = match url.strip_prefix("ws") {
            Some(rest) => format!("http{rest}"),
            None => return None,
        };
        let forms = [
            (SignedForm::AsWritten, url.to_owned()),
            (SignedForm::WithSlash, with_slash(url)),
            (SignedForm::AsHttpWithSlash, with_slash(&http)),
            (SignedForm::AsHttp, http),
        ];
        forms
            .iter()
            .find(|(_, url)| self.signs(&[url], &tag))
            .map(|(form, _)| *form)
    }

    /// In constant time.
    fn signs(&self, parts: &[&str], tag: &[u8]) -> bool {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part.as_bytes());
        }
        mac.verify_slice(tag).is_ok()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

fn decode(signature: &str) -> Option<Vec<u8>> {
    // Twenty bytes are 28 characters.
    (signature.len() == 28)
        .then(|| STANDARD.decode(signature).ok())
        .flatten()
}

/// The address with its port as it is, left out, and with the scheme's own port; each also with an apostrophe in the query
/// escaped, as some parsers of addresses do.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    if let Some((scheme, rest)) = url.split_once("://") {
        let standard = if scheme == "https" { "443" } else { "80" };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = without_port(authority);
        spellings.push(format!("{scheme}://{host}{path}"));
        spellings.push(format!("{scheme}://{host}:{standard}{path}"));
    }
    let escaped: Vec<String> = spellings
        .iter()
        .filter_map(|url| {
            let (address, query) = url.split_once('?')?;
            query
                .contains('\'')
                .then(|| format!("{address}?{}", query.replace('\'', "%27")))
        })
        .collect();
    spellings.extend(escaped);
    spellings
}

/// A user's name may hold a colon, and so does an address of version 6.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(['@', ']']) => host,
        _ => authority,
    }
}

/// The address with a slash at the end of its path.
fn with_slash(url: &str) -> String {
    match url.split_once('?') {
        Some((address, query)) => format!("{address}/?{query}"),
        None => format!("{url}/"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use url::form_urlencoded;

    use super::*;

    /// Vectors of the company's own helper libraries (MIT), and the sockets' as calculated from the same rule.
    const VECTORS: &str = include_str!("../../fixtures/twilio-signatures.json");

    fn vectors(kind: &str) -> Vec<Value> {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        vectors[kind].as_array().unwrap().clone()
    }

    fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
        vector[name].as_str().unwrap()
    }

    fn verifier(vector: &Value) -> Verifier {
        Verifier::new(&Secret::parse(text(vector, "auth_token")).unwrap())
    }

    /// The members as they arrive: encoded, in the order of the vector.
    fn body(vector: &Value) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in vector["params"].as_object().unwrap() {
            match value {
                Value::Array(values) => {
                    for value in values {
                        body.append_pair(name, value.as_str().unwrap());
                    }
                }
                value => {
                    body.append_pair(name, value.as_str().unwrap_or_default());
                }
            }
        }
        body.finish()
    }

    fn is_form(verifier: &Verifier, url: &str, body: &str, signature: &str) -> bool {
        let members: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        verifier.is_form(url, &members, signature)
    }

    #[test]
    fn the_companys_own_vectors_pass_and_nothing_near_them_does() {
        let vectors = vectors("http");
        assert!(vectors.len() >= 14, "{}", vectors.len());
        for vector in &vectors {
            let verifier = verifier(vector);
            let (url, signature) = (
                text(vector, "request_url"),
                text(vector, "expected_signature"),
            );
            let body = body(vector);
            let name = text(vector, "name");
            assert!(is_form(&verifier, url, &body, signature), "{name}");
            assert!(
                !is_form(&verifier, &format!("{url}&x=1"), &body, signature),
                "{name}"
            );
            assert!(
                !is_form(&verifier, url, &format!("{body}&Extra=1"), signature),
                "{name}"
            );
            assert!(
                !is_form(&verifier, &url.replace("https", "http"), &body, signature),
                "{name}"
            );
            let other = Verifier::new(&Secret::parse("12346").unwrap());
            assert!(!is_form(&other, url, &body, signature), "{name}");
        }
    }

    #[test]
    fn the_companys_own_forgeries_fail() {
        for vector in vectors("negative") {
            let signed = is_form(
                &verifier(&vector),
                text(&vector, "request_url"),
                &body(&vector),
                text(&vector, "signature"),
            );
            assert!(!signed, "{}", text(&vector, "name"));
        }
    }

    #[test]
    fn values_of_one_name_are_a_set() {
        let verifier = Verifier::new(&Secret::parse("12345").unwrap());
        for body in [
            "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            "Digits=1234&SidAccount=AC123&Digits=5678&Sid=CA123",
        ] {
            assert!(is_form(
                &verifier,
                "https://mycompany.com/myapp.php?foo=1&bar=2",
                body,
                "IK+Dwps556ElfBT0I3Rgjkr1wJU="
            ));
        }
    }

    #[test]
    fn an_empty_value_counts() {
        let vector = vectors("http")
            .into_iter()
            .find(|vector| text(vector, "name") == "null values as empty")
            .unwrap();
        assert!(!is_form(
            &verifier(&vector),
            text(&vector, "request_url"),
            "CallSid=CA123",
            text(&vector, "expected_signature"),
        ));
    }

    #[test]
    fn sockets_are_signed_by_their_address() {
        for vector in vectors("websocket_computed") {
            let (url, signature) = (text(&vector, "signed_url"), text(&vector, "signature"));
            let found = verifier(&vector).upgrade(url, signature);
            assert_eq!(found, Some(SignedForm::AsWritten), "{url}");
            assert_eq!(verifier(&vector).upgrade("wss://other/ws", signature), None);
        }
        let slash = &vectors("websocket_computed")[2];
        assert_eq!(
            verifier(slash).upgrade(
                "wss://relay.example.com/twilio/media",
                text(slash, "signature")
            ),
            Some(SignedForm::WithSlash)
        );
    }

    #[test]
    fn a_socket_may_be_signed_as_a_page() {
        let verifier = Verifier::new(&Secret::parse("12345").unwrap());
        let sign = |url: &str| {
            let tag = verifier.0.clone().chain_update(url).finalize().into_bytes();
            STANDARD.encode(tag)
        };
        for (signed, form) in [
            ("wss://a.example/m", SignedForm::AsWritten),
            ("wss://a.example/m/", SignedForm::WithSlash),
            ("https://a.example/m", SignedForm::AsHttp),
            ("https://a.example/m/", SignedForm::AsHttpWithSlash),
        ] {
            assert_eq!(
                verifier.upgrade("wss://a.example/m", &sign(signed)),
                Some(form)
            );
        }
        assert_eq!(
            verifier.upgrade("ws://127.0.0.1:9/m", &sign("http://127.0.0.1:9/m")),
            Some(SignedForm::AsHttp)
        );
        assert_eq!(
            verifier.upgrade("wss://a.example/m", &sign("http://a.example/m")),
            None
        );
    }

    #[test]
    fn what_is_no_signature() {
        let verifier = Verifier::new(&Secret::parse("12345").unwrap());
        for signature in [
            "",
            "=",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8",
            "RSOYDt4T1cUTdK1PDd93_VVr8B8=",
            "é",
        ] {
            assert!(!is_form(&verifier, "https://a.example/", "", signature));
            assert_eq!(verifier.upgrade("wss://a.example/", signature), None);
        }
    }

    #[test]
    fn a_long_token_is_hashed_first() {
        let token = "t".repeat(65);
        let verifier = Verifier::new(&Secret::parse(&token).unwrap());
        let tag = Hmac::<Sha1>::new_from_slice(token.as_bytes())
            .unwrap()
            .chain_update("wss://a.example/")
            .finalize()
            .into_bytes();
        assert_eq!(
            verifier.upgrade("wss://a.example/", &STANDARD.encode(tag)),
            Some(SignedForm::AsWritten)
        );
    }

    #[test]
    fn a_port_is_found_where_it_is() {
        for (authority, host) in [
            ("a.example", "a.example"),
            ("a.example:8443", "a.example"),
            ("user:word@a.example", "user:word@a.example"),
            ("user:word@a.example:1", "user:word@a.example"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]"),
        ] {
            assert_eq!(without_port(authority), host, "{authority}");
        }
    }
}
