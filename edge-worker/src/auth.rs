//! Who may use the dashboard: people with a password and a session, and those whom Cloudflare Access vouches for.
//!
//! The worker knows two roles, and no rule here looks at anything but the role. What a session, a password or a guess is worth is
//! decided by pure functions with the time given; the functions beside them carry that out in D1.

pub(crate) mod access;
pub(crate) mod email;
mod keys;
pub(crate) mod origin;
pub(crate) mod password;
pub(crate) mod session;
mod sql;
pub(crate) mod throttle;
pub(crate) mod token;
pub(crate) mod user;

use serde::{Deserialize, Serialize};
use worker::{D1Database, D1PreparedStatement, Request, Result};

use crate::settings::Settings;
use crate::store::database::Metered;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Everything.
    Owner,
    /// Looking.
    Viewer,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// The user's id.
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// By what the worker knows them.
    pub(crate) by: Proof,
}

/// What shows who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Cloudflare Access says so, at each request.
    Access,
    /// A session, by its token's hash.
    Session {
        hash: String,
        /// When it is over, whatever happens.
        expires_at: i64,
    },
}

/// Who sends a request, if that can be told. `now` is in milliseconds since 1970.
pub(crate) async fn identify(
    request: &Request,
    settings: &Settings,
    db: &Metered,
    now: i64,
) -> Result<Option<Visitor>> {
    let cookies = request.headers().get("Cookie")?.unwrap_or_default();
    if let Some(token) = token::from_cookies(&cookies)
        && let Some(visitor) = session::find(db, &token, now).await?
    {
        return Ok(Some(visitor));
    }
    let Some(access) = &settings.access else {
        return Ok(None);
    };
    let Some(assertion) = request.headers().get("Cf-Access-Jwt-Assertion")? else {
        return Ok(None);
    };
    match access::verify(access, &assertion, now).await {
        Ok(email) => user::admit(db, &email, now).await,
        Err(refused) => {
            worker::console_warn!("Cloudflare Access: assertion not accepted: {refused}");
            Ok(None)
        }
    }
}

/// Something that was done, for the audit: by whom and to what. Written in the batch of what it tells of, right behind it, and
/// only if that changed something.
pub(crate) struct Deed<'a> {
    pub(crate) by: Option<&'a str>,
    /// The thing and the verb: `user.remove`.
    pub(crate) action: &'static str,
    /// The id of what it was done to.
    pub(crate) subject: &'a str,
}

impl Deed<'_> {
    /// The statement that follows the one that does it.
    pub(crate) fn statement(&self, db: &D1Database, now: i64) -> Result<D1PreparedStatement> {
        db.prepare(sql::AUDIT).bind(&[
            number(now),
            self.by.map_or(wasm_bindgen::JsValue::NULL, Into::into),
            self.action.into(),
            self.subject.into(),
        ])
    }
}

/// An id of 128 random bits as 32 hexadecimal digits.
pub(crate) fn random_id() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|_| worker::Error::RustError("no random numbers".to_owned()))?;
    Ok(hex(&random))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// D1 takes numbers as JavaScript has them; times are far below 2⁵³.
fn number(value: i64) -> wasm_bindgen::JsValue {
    (value as f64).into()
}
