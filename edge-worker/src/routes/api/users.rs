//! Who has an account: owners see, add and remove users.

use serde::Serialize;
use worker::{Method, Response, ResponseBuilder};

use super::{Answer, Ask, BODY_MAX, Failure, Guard, Route, now};
use crate::auth::email::{self, Email};
use crate::auth::user::{self, NewUser};
use crate::auth::{Role, password};
use crate::problem::Problem;

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/users", Guard::Owner, |ask| {
        Box::pin(list(ask))
    }),
    Route::new(Method::Post, "/api/users", Guard::Owner, |ask| {
        Box::pin(add(ask))
    }),
    Route::new(Method::Delete, "/api/users/{id}", Guard::Owner, |ask| {
        Box::pin(remove(ask))
    }),
];

#[derive(Serialize)]
struct Users {
    users: Vec<user::Listed>,
}

#[derive(Serialize)]
struct Added {
    id: String,
}

async fn list(ask: Ask) -> Answer {
    let users = user::list(&ask.db()?).await?;
    Ok(Response::from_json(&Users { users })?)
}

/// `{email, name, role, password?}`. Without a password somebody comes through Cloudflare Access only.
async fn add(mut ask: Ask) -> Answer {
    let has_access = ask.settings()?.access.is_some();
    let mut form = ask.fields(BODY_MAX).await?;
    let email = form.required("email", Email::parse);
    let name = form.required("name", email::person);
    let role = form.required("role", role);
    let password = if has_access {
        Some(form.optional("password", password::parse))
    } else {
        form.required("password", password::parse).map(Some)
    };
    let parts = email.zip(name).zip(role).zip(password);
    let (((email, name), role), password) = form.finish(parts)?;
    let hash = match &password {
        Some(password) => Some(hashed(password)?),
        None => None,
    };
    let new = NewUser {
        email: &email,
        name: &name,
        role,
        password: hash.as_deref(),
    };
    let db = ask.db()?;
    match user::add(&db, &new, &ask.visitor()?.id, now()).await? {
        Some(id) => Ok(ResponseBuilder::new()
            .with_status(201)
            .from_json(&Added { id })?),
        None => {
            Err(Problem::conflict("email_taken", "there is a user with this e-mail address").into())
        }
    }
}

async fn remove(ask: Ask) -> Answer {
    let (db, id) = (ask.db()?, ask.parameter("id"));
    if user::remove(&db, id, &ask.visitor()?.id, now())
        .await?
        .is_some()
    {
        return Ok(Response::empty()?.with_status(204));
    }
    let is_there = user::by_id(&db, id)
        .await?
        .is_some_and(|user| user.disabled_at.is_none());
    Err(if is_there {
        Problem::conflict("last_owner", "the last owner cannot be removed")
    } else {
        Problem::not_found()
    }
    .into())
}

fn role(text: &str) -> Result<Role, &'static str> {
    match text {
        "owner" => Ok(Role::Owner),
        "viewer" => Ok(Role::Viewer),
        _ => Err("must be owner or viewer"),
    }
}

/// A password's hash, which takes the processor for some time.
pub(super) fn hashed(password: &str) -> Result<String, Failure> {
    let hash = password::hash(password, &password::salt()?);
    hash.ok_or_else(|| Problem::internal().into())
}
