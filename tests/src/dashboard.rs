//! Somebody at the dashboard, without a browser: requests to the worker's API, with what a browser would send along.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::edge::{Edge, SETUP_CODE};

/// Everybody's.
pub const PASSWORD: &str = "correct horse battery";

/// A browser, signed in or not.
#[derive(Clone, Debug)]
pub struct Visitor {
    client: Client,
    worker: String,
    /// The page that asks is of this origin; none: the header is not sent.
    pub origin: Option<String>,
    /// The session's cookie: its name and value.
    pub cookie: Option<String>,
    /// The address that it comes from, as Cloudflare would say.
    pub address: Option<String>,
    /// Where everything is kept that it is told; none: nowhere.
    pub heard: Option<Heard>,
}

/// All that visitors were told, for whoever looks for what must not be in it: headers and bodies, without the cookies that were set.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<String>>);

impl Heard {
    /// All of it so far.
    #[must_use]
    pub fn all(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, headers: &HeaderMap, body: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in headers.iter().filter(|(name, _)| *name != SET_COOKIE) {
            all.push_str(&format!(
                "{name}: {}\n",
                String::from_utf8_lossy(value.as_bytes())
            ));
        }
        all.push_str(body);
        all.push('\n');
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The code of a problem document.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The fields that a form's problem document names.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned();
        let field = |error: Value| error["field"].as_str().map(str::to_owned);
        errors.into_iter().flatten().filter_map(field).collect()
    }

    /// A header, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The cookie that was set: its name and value.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get(SET_COOKIE)?.to_str().ok()?;
        set.split(';').next().map(str::to_owned)
    }
}

impl Visitor {
    /// Somebody who has not signed in.
    pub fn new(edge: &Edge) -> anyhow::Result<Self> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            worker: edge.origin.clone(),
            origin: Some(edge.origin.clone()),
            cookie: None,
            address: None,
            heard: None,
        })
    }

    /// The first owner of a worker that has none yet, signed in.
    pub async fn first_owner(edge: &Edge) -> anyhow::Result<Self> {
        let mut owner = Self::new(edge)?;
        let form = json!({ "code": SETUP_CODE, "name": "Ann Owner", "email": "owner@example.com", "password": PASSWORD });
        let made = owner.post("/api/setup", &form).await?;
        ensure!(made.status == StatusCode::CREATED, "{}", made.text);
        owner.cookie = made.cookie();
        ensure!(owner.cookie.is_some(), "no session: {:?}", made.headers);
        Ok(owner)
    }

    /// Somebody who may look, made by an owner and signed in.
    pub async fn viewer(&self) -> anyhow::Result<Self> {
        let form = json!({ "name": "Vi Viewer", "email": "viewer@example.com", "role": "viewer", "password": PASSWORD });
        let made = self.post("/api/users", &form).await?;
        ensure!(made.status == StatusCode::CREATED, "{}", made.text);
        let mut viewer = Self {
            cookie: None,
            ..self.clone()
        };
        viewer.sign_in("viewer@example.com").await?;
        Ok(viewer)
    }

    /// Signs in with the password of all.
    pub async fn sign_in(&mut self, email: &str) -> anyhow::Result<Answer> {
        let form = json!({ "email": email, "password": PASSWORD });
        let session = self.post("/api/session", &form).await?;
        ensure!(session.status == StatusCode::CREATED, "{}", session.text);
        self.cookie = session.cookie();
        Ok(session)
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.ask(Method::POST, path, Some(body.to_string()), &[])
            .await
    }

    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.ask(Method::PUT, path, Some(body.to_string()), &[])
            .await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.ask(Method::DELETE, path, None, &[]).await
    }

    /// Asks with this body, which is called JSON unless the headers call it something else.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.worker));
        if let Some(origin) = &self.origin {
            request = request.header(ORIGIN, origin);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(address) = &self.address {
            request = request.header("CF-Connecting-IP", address);
        }
        let named = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(body) = body {
            if !named {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            request = request.body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("no answer to {path}"))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        if let Some(heard) = &self.heard {
            heard.keep(&headers, &text);
        }
        Ok(Answer {
            status,
            headers,
            text,
        })
    }
}
