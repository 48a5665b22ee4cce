//! Users: who has an account, and those whom Cloudflare Access lets in.

use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Result};

use super::email::Email;
use super::{Deed, Proof, Role, Visitor, number, random_id, sql};
use crate::store::{Database, Query};

/// The most that a list shows: more than work at any business that has one receptionist.
const LISTED: u32 = 200;

/// A user as the sign-in needs them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The hash. None: this user comes through Cloudflare Access only.
    pub(crate) password: Option<String>,
    pub(crate) disabled_at: Option<i64>,
}

/// A user as owners see them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) created_at: i64,
    #[serde(deserialize_with = "truth")]
    pub(crate) has_password: bool,
}

/// SQL's truth is a number.
fn truth<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(i64::deserialize(deserializer)? != 0)
}

/// Somebody who is to become a user.
pub(crate) struct NewUser<'a> {
    pub(crate) email: &'a Email,
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    /// The hash.
    pub(crate) password: Option<&'a str>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Whether the first owner has been made.
pub(crate) async fn has_owner(db: &D1Database) -> Result<bool> {
    let found: Option<serde::de::IgnoredAny> = db.prepare(sql::HAS_OWNER).first(None).await?;
    Ok(found.is_some())
}

/// Makes the first owner; `None` if there is one.
pub(crate) async fn first_owner(
    db: &D1Database,
    owner: &NewUser<'_>,
    now: i64,
) -> Result<Option<String>> {
    let id = random_id()?;
    let insert = db.prepare(sql::FIRST_OWNER).bind(&[
        id.as_str().into(),
        owner.email.as_str().into(),
        owner.name.into(),
        optional(owner.password),
        number(now),
    ])?;
    let deed = Deed {
        by: None,
        action: "setup",
        subject: &id,
    };
    done(db, vec![insert, deed.statement(db, now)?]).await
}

/// The user with an e-mail address or, for `None`, nobody: removed ones are found too.
pub(crate) async fn by_email(db: &D1Database, email: &Email) -> Result<Option<User>> {
    db.prepare(sql::USER_BY_EMAIL)
        .bind(&[email.as_str().into()])?
        .first(None)
        .await
}

/// The user with an id, removed or not.
pub(crate) async fn by_id(db: &D1Database, id: &str) -> Result<Option<User>> {
    db.prepare(sql::USER_BY_ID)
        .bind(&[id.into()])?
        .first(None)
        .await
}

/// All users, by their addresses.
pub(crate) async fn list(db: &impl Database) -> Result<Vec<Listed>> {
    Ok(db.all(Query::new(sql::USERS).bind(LISTED)).await?)
}

/// Adds a user; `None` if there is one with this address. Gives the id.
pub(crate) async fn add(
    db: &D1Database,
    user: &NewUser<'_>,
    by: &str,
    now: i64,
) -> Result<Option<String>> {
    let id = random_id()?;
    let role = match user.role {
        Role::Owner => "owner",
        Role::Viewer => "viewer",
    };
    let insert = db.prepare(sql::ADD_USER).bind(&[
        id.as_str().into(),
        user.email.as_str().into(),
        user.name.into(),
        role.into(),
        optional(user.password),
        number(now),
    ])?;
    let deed = Deed {
        by: Some(by),
        action: "user.add",
        subject: &id,
    };
    done(db, vec![insert, deed.statement(db, now)?]).await
}

/// Removes a user and ends their sessions; `None` if there is no such user or it is the last owner.
pub(crate) async fn remove(
    db: &D1Database,
    id: &str,
    by: &str,
    now: i64,
) -> Result<Option<String>> {
    let deed = Deed {
        by: Some(by),
        action: "user.remove",
        subject: id,
    };
    let batch = vec![
        db.prepare(sql::REMOVE_USER)
            .bind(&[id.into(), number(now)])?,
        deed.statement(db, now)?,
        db.prepare(sql::END_SESSIONS_OF_REMOVED)
            .bind(&[id.into()])?,
    ];
    done(db, batch).await
}

/// Statements that put a new password in the place of one that was checked, and end every session. The first gives a row if it came about.
pub(crate) fn change_password(
    db: &D1Database,
    id: &str,
    old: &str,
    new: &str,
    now: i64,
) -> Result<Vec<D1PreparedStatement>> {
    let deed = Deed {
        by: Some(id),
        action: "password.change",
        subject: id,
    };
    Ok(vec![
        db.prepare(sql::CHANGE_PASSWORD)
            .bind(&[id.into(), old.into(), new.into()])?,
        deed.statement(db, now)?,
        db.prepare(sql::END_SESSIONS_OF_CHANGED)
            .bind(&[id.into(), new.into()])?,
    ])
}

/// The user whom Cloudflare Access vouches for: a viewer at first sight. Nobody if an owner has removed them.
pub(super) async fn admit(db: &D1Database, email: &Email, now: i64) -> Result<Option<Visitor>> {
    let known = match by_email(db, email).await? {
        Some(known) => Some(known),
        None => {
            let id = random_id()?;
            let insert = db.prepare(sql::ADMIT).bind(&[
                id.as_str().into(),
                email.as_str().into(),
                email.local().into(),
                number(now),
            ])?;
            let deed = Deed {
                by: None,
                action: "user.admit",
                subject: &id,
            };
            db.batch(vec![insert, deed.statement(db, now)?]).await?;
            by_email(db, email).await?
        }
    };
    Ok(known
        .filter(|user| user.disabled_at.is_none())
        .map(|user| Visitor {
            id: user.id,
            email: user.email,
            name: user.name,
            role: user.role,
            by: Proof::Access,
        }))
}

/// Carries a batch out; the id that its first statement gives.
async fn done(db: &D1Database, batch: Vec<D1PreparedStatement>) -> Result<Option<String>> {
    let results = db.batch(batch).await?;
    let rows: Vec<Id> = match results.first() {
        Some(first) => first.results()?,
        None => Vec::new(),
    };
    Ok(rows.into_iter().next().map(|row| row.id))
}

fn optional(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from)
}
