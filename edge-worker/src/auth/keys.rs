//! A Cloudflare Access team's public keys, and the check of a signature with one, by the runtime's own cryptography.
//!
//! Keys are kept by the isolate for an hour and fetched again when one is missing, since a team changes its keys every few weeks.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::{Object, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};
use worker::{Delay, Fetch, Url};

use super::access::{Assertion, Refused};
use crate::clock::unix_millis;
use crate::settings::Origin;

/// How long fetched keys are good: a team keeps an old key for a week after it has begun to use the next.
const KEPT_MS: i64 = 60 * 60 * 1_000;

/// How often at most keys are fetched because one is missing: anybody can name one that does not exist.
const RETRY_MS: i64 = 60 * 1_000;

/// How long nothing is fetched after a failure: whoever asks meanwhile would wait for the same.
const FAILED_MS: u64 = 1_000;

/// How long a page may wait for keys.
const PATIENCE: Duration = Duration::from_secs(5);

/// A team has two keys, or three for a while.
const KEYS_MAX: usize = 16;

/// The least RSA key that counts, in bytes of its modulus: 2048 bits.
const MODULUS_MIN: usize = 256;

thread_local! {
    static CACHE: RefCell<Option<Cache>> = const { RefCell::new(None) };
    static FAILED_AT: Cell<Option<u64>> = const { Cell::new(None) };
}

struct Cache {
    team: Origin,
    fetched_at: i64,
    keys: Vec<Jwk>,
}

#[derive(Clone, Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    n: String,
    e: String,
}

#[derive(Deserialize)]
struct Certificates {
    keys: Vec<Jwk>,
}

/// Whether one of the team's keys signed an assertion.
pub(super) async fn verify(
    team: &Origin,
    assertion: &Assertion<'_>,
    now: i64,
) -> Result<bool, Refused> {
    let Some(key) = key(team, &assertion.key, now).await? else {
        return Ok(false);
    };
    check(&key, assertion).await.map_err(|error| {
        worker::console_warn!("Cloudflare Access: a key cannot be used: {error:?}");
        Refused::NoKeys
    })
}

/// The team's key with this name.
async fn key(team: &Origin, name: &str, now: i64) -> Result<Option<Jwk>, Refused> {
    let (kept, is_fresh) = CACHE.with_borrow(|cache| {
        let cache = cache.as_ref().filter(|cache| cache.team == *team);
        let age = cache.map_or(i64::MAX, |cache| now.saturating_sub(cache.fetched_at));
        let key = cache.and_then(|cache| cache.keys.iter().find(|key| key.kid == name).cloned());
        let keep = if key.is_some() { KEPT_MS } else { RETRY_MS };
        (key, age < keep)
    });
    if is_fresh {
        return Ok(kept);
    }
    let since = |failed: u64| unix_millis().saturating_sub(failed);
    if FAILED_AT.get().is_some_and(|at| since(at) < FAILED_MS) {
        return Err(Refused::NoKeys);
    }
    let keys = fetch(team)
        .await
        .inspect_err(|_| FAILED_AT.set(Some(unix_millis())))?;
    let found = keys.iter().find(|key| key.kid == name).cloned();
    let cache = Cache {
        team: team.clone(),
        fetched_at: now,
        keys,
    };
    CACHE.set(Some(cache));
    Ok(found)
}

async fn fetch(team: &Origin) -> Result<Vec<Jwk>, Refused> {
    let url: Url = format!("{team}/cdn-cgi/access/certs")
        .parse()
        .map_err(|_| Refused::NoKeys)?;
    let answer = Box::pin(async {
        let mut response = Fetch::Url(url).send().await?;
        if response.status_code() != 200 {
            let status = response.status_code();
            return Err(worker::Error::RustError(format!("status {status}")));
        }
        response.json::<Certificates>().await
    });
    let certificates = match select(answer, Delay::from(PATIENCE)).await {
        Either::Left((Ok(certificates), _)) => certificates,
        Either::Left((Err(error), _)) => {
            worker::console_warn!("Cloudflare Access: no keys: {error}");
            return Err(Refused::NoKeys);
        }
        Either::Right(_) => {
            worker::console_warn!("Cloudflare Access: no keys in time");
            return Err(Refused::NoKeys);
        }
    };
    let usable = |key: &Jwk| {
        // Four characters of base64 are three bytes.
        key.kty == "RSA" && key.n.len().saturating_mul(3) / 4 >= MODULUS_MIN
    };
    Ok(certificates
        .keys
        .into_iter()
        .filter(usable)
        .take(KEYS_MAX)
        .collect())
}

async fn check(key: &Jwk, assertion: &Assertion<'_>) -> Result<bool, JsValue> {
    let subtle = js_sys::global()
        .unchecked_into::<WorkerGlobalScope>()
        .crypto()?
        .subtle();
    let algorithm = object(&[
        ("name", "RSASSA-PKCS1-v1_5".into()),
        ("hash", "SHA-256".into()),
    ])?;
    let imported = import(&subtle, key, &algorithm).await?;
    // The data must be in JavaScript's memory: the runtime reads it after this function has yielded.
    let signature = Uint8Array::from(assertion.signature.as_slice());
    let signed = Uint8Array::from(assertion.signed.as_bytes());
    let verified = subtle.verify_with_object_and_buffer_source_and_buffer_source(
        &algorithm, &imported, &signature, &signed,
    )?;
    Ok(JsFuture::from(verified).await?.is_truthy())
}

async fn import(
    subtle: &SubtleCrypto,
    key: &Jwk,
    algorithm: &Object,
) -> Result<CryptoKey, JsValue> {
    let jwk = object(&[
        ("kty", key.kty.as_str().into()),
        ("n", key.n.as_str().into()),
        ("e", key.e.as_str().into()),
        ("alg", "RS256".into()),
        ("ext", true.into()),
    ])?;
    let uses = js_sys::Array::of1(&"verify".into());
    let import = subtle.import_key_with_object("jwk", &jwk, algorithm, false, &uses)?;
    Ok(JsFuture::from(import).await?.unchecked_into())
}

fn object(members: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}
