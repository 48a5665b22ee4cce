//! How Twilio signs what it asks of a server: the address, and the form's members sorted by name.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The `X-Twilio-Signature` of a request to `url` with these form members; none for an upgrade.
///
/// Names are sorted by their bytes. Several values of one name are sorted too and each is signed once; an empty value leaves
/// its name alone.
#[must_use]
pub fn sign(auth_token: &str, url: &str, members: &[(String, String)]) -> String {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in members {
        by_name.entry(name).or_default().insert(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes())
        .expect("an HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, values) in by_name {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// One case of the vendor's own helper libraries.
    #[derive(Deserialize)]
    struct Vector {
        name: String,
        auth_token: String,
        signed_url: String,
        members: Vec<(String, String)>,
        signature: String,
    }

    #[test]
    fn signs_as_the_vendors_libraries_do() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../fixtures/twilio-signatures.json"))
                .expect("a list of vectors");
        assert!(vectors.len() > 15);
        for vector in vectors {
            assert_eq!(
                sign(&vector.auth_token, &vector.signed_url, &vector.members),
                vector.signature,
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn the_order_in_the_form_makes_no_difference_and_everything_else_does() {
        let member = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let url = "https://mycompany.com/voice";
        let (a, b) = (member("A", "1"), member("B", ""));
        let signature = sign("token", url, &[a.clone(), b.clone()]);
        assert_eq!(signature, sign("token", url, &[b.clone(), a.clone()]));
        assert_ne!(signature, sign("other", url, &[a.clone(), b]));
        assert_ne!(signature, sign("token", url, std::slice::from_ref(&a)));
        assert_ne!(
            signature,
            sign("token", "https://mycompany.com/voice/", &[a])
        );
    }
}
