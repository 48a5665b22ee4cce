//! A team of Cloudflare Access on this machine: where its keys are served, and what it signs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The application that the worker is for its team.
pub(crate) const AUDIENCE: &str = "a1b2c3d4";

/// Keys that exist for these tests only. Two are the team's; the last is somebody else's.
const ONE: &str = include_str!("../../fixtures/access-test-key-one.pem");
const TWO: &str = include_str!("../../fixtures/access-test-key-two.pem");
const FOREIGN: &str = include_str!("../../fixtures/access-test-key-foreign.pem");

/// The team's server. It answers until the test ends.
pub(crate) struct Team {
    /// Where the keys are, and who signs.
    pub(crate) origin: String,
    pub(crate) one: Key,
    pub(crate) two: Key,
    pub(crate) foreign: Key,
    served: Arc<Mutex<(u16, String)>>,
    fetched: Arc<AtomicUsize>,
}

/// A pair of keys by the name that it has in assertions.
pub(crate) struct Key {
    name: &'static str,
    pair: KeyPair,
}

impl Team {
    /// A team whose server is out of order.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let served = Arc::new(Mutex::new((500, String::new())));
        let fetched = Arc::new(AtomicUsize::new(0));
        let (answer, count) = (Arc::clone(&served), Arc::clone(&fetched));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (status, body) = answer
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                // A worker that hangs up is the worker's business.
                let _ = serve(stream, status, &body).await;
            }
        });
        Ok(Self {
            origin,
            one: Key::read("one", ONE)?,
            two: Key::read("two", TWO)?,
            foreign: Key::read("one", FOREIGN)?,
            served,
            fetched,
        })
    }

    /// From now on the server says this.
    pub(crate) fn serve(&self, status: u16, body: &str) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        *served = (status, body.to_owned());
    }

    /// From now on the server gives the first of the team's keys, as a team's server does.
    pub(crate) fn serve_one(&self) {
        let certificate = json!({ "kid": "one", "cert": "-----BEGIN CERTIFICATE-----" });
        let keys = json!({ "keys": [self.one.public()], "public_cert": certificate, "public_certs": [certificate] });
        self.serve(200, &keys.to_string());
    }

    /// How often the server was asked.
    pub(crate) fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    /// What an assertion for somebody says, good for a minute.
    pub(crate) fn claims(&self, email: &str) -> anyhow::Result<Value> {
        let now = now()?;
        Ok(json!({
            "aud": [AUDIENCE],
            "email": email,
            "exp": now + 60,
            "iat": now,
            "nbf": now,
            "iss": self.origin,
            "type": "app",
            "identity_nonce": "6ei69kawdKzMIAPF",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
            "country": "US",
        }))
    }

    /// A good assertion for somebody.
    pub(crate) fn vouch(&self, email: &str) -> anyhow::Result<String> {
        self.one.sign(&self.claims(email)?)
    }
}

impl Key {
    fn read(name: &'static str, pem: &str) -> anyhow::Result<Self> {
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(base64)?);
        let pair = pair.map_err(|why| anyhow::anyhow!("a key that cannot be used: {why}"))?;
        Ok(Self { name, pair })
    }

    /// The public key as JSON.
    pub(crate) fn public(&self) -> Value {
        let parts = PublicKeyComponents::<Vec<u8>>::from(self.pair.public());
        json!({
            "kid": self.name,
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(parts.n),
            "e": URL_SAFE_NO_PAD.encode(parts.e),
        })
    }

    /// An assertion signed with this key.
    pub(crate) fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let header = json!({ "alg": "RS256", "kid": self.name, "typ": "JWT" });
        self.sign_under(&header, claims)
    }

    /// An assertion signed with this key, whatever its header says.
    pub(crate) fn sign_under(&self, header: &Value, claims: &Value) -> anyhow::Result<String> {
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = SystemRandom::new();
        let done = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        );
        ensure!(done.is_ok(), "a key that cannot sign");
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A part of an assertion.
pub(crate) fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "an assertion is good for the worker's present, which is this machine's"
)]
pub(crate) fn now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

async fn serve(mut stream: TcpStream, status: u16, body: &str) -> anyhow::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8(request)?;
    let path = request.split(' ').nth(1).context("no path")?;
    let is_known = path == "/cdn-cgi/access/certs";
    let (status, body) = if is_known { (status, body) } else { (404, "") };
    let answer = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}
