//! Signing in and out, the first owner, and one's own password.

use serde::Serialize;
use worker::{D1Database, D1PreparedStatement, Method, Response, ResponseBuilder};

use super::users::hashed;
use super::{Answer, Ask, BODY_MAX, Failure, Guard, Route, now};
use crate::auth::email::{self, Email};
use crate::auth::session::{self, Beginning};
use crate::auth::throttle::{self, Key, Policy};
use crate::auth::token::{self, Token};
use crate::auth::user::{self, NewUser, User};
use crate::auth::{Deed, Proof, Role, Visitor, password};
use crate::problem::Problem;

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(
        Method::Get,
        "/api/setup",
        Guard::Open("says only whether the first owner is still to be made"),
        |ask| Box::pin(may_set_up(ask)),
    ),
    Route::new(
        Method::Post,
        "/api/setup",
        Guard::Open("asks for the set-up code, and nobody has an account yet"),
        |ask| Box::pin(set_up(ask)),
    ),
    Route::new(
        Method::Post,
        "/api/session",
        Guard::Open("asks for a password: this is how a session begins"),
        |ask| Box::pin(sign_in(ask)),
    ),
    Route::new(Method::Get, "/api/session", Guard::Viewer, |ask| {
        Box::pin(who(ask))
    }),
    Route::new(Method::Delete, "/api/session", Guard::Account, |ask| {
        Box::pin(sign_out(ask))
    }),
    Route::new(Method::Delete, "/api/sessions", Guard::Account, |ask| {
        Box::pin(sign_out_everywhere(ask))
    }),
    Route::new(Method::Put, "/api/password", Guard::Account, |ask| {
        Box::pin(change_password(ask))
    }),
];

#[derive(Serialize)]
struct Setup {
    possible: bool,
}

/// Who somebody is, as the pages show it.
#[derive(Serialize)]
struct Who<'a> {
    id: &'a str,
    email: &'a str,
    name: &'a str,
    role: Role,
    /// When the session is over at the latest; null for somebody whom Cloudflare Access vouches for.
    expires_at: Option<i64>,
}

impl<'a> Who<'a> {
    fn visitor(visitor: &'a Visitor) -> Self {
        Self {
            id: &visitor.id,
            email: &visitor.email,
            name: &visitor.name,
            role: visitor.role,
            expires_at: match visitor.by {
                Proof::Access => None,
                Proof::Session { expires_at, .. } => Some(expires_at),
            },
        }
    }
}

async fn may_set_up(ask: Ask) -> Answer {
    let has_code = ask.settings()?.setup_code.is_some();
    let db = ask.db()?;
    let possible = has_code && !user::has_owner(&db).await?;
    Ok(Response::from_json(&Setup { possible })?)
}

/// `{code, email, password, name}`. Makes the first owner and signs them in.
async fn set_up(mut ask: Ask) -> Answer {
    let (db, now) = (ask.db()?, now());
    let Some(code) = ask.settings()?.setup_code.clone() else {
        return Err(setup_closed());
    };
    let mut form = ask.fields(BODY_MAX).await?;
    let given = form.required("code", |text| Ok(text.to_owned()));
    let email = form.required("email", Email::parse);
    let password = form.required("password", password::parse);
    let name = form.required("name", email::person);
    if let Some(given) = given {
        let address = Key::address(&throttle::address_of(&ask.request)?);
        count(&db, &address, throttle::ADDRESS, now).await?;
        if !code.is(&given) {
            form.refuse("code", "is not the set-up code");
        } else {
            throttle::uncount(&db, &address)?.run().await?;
        }
    }
    let (email, (password, name)) = form.finish(email.zip(password.zip(name)))?;
    if user::has_owner(&db).await? {
        return Err(setup_closed());
    }
    let hash = hashed(&password)?;
    let owner = NewUser {
        email: &email,
        name: &name,
        role: Role::Owner,
        password: Some(&hash),
    };
    let Some(id) = user::first_owner(&db, &owner, now).await? else {
        return Err(setup_closed());
    };
    let user = User {
        id,
        email: email.as_str().to_owned(),
        name,
        role: Role::Owner,
        password: None,
        disabled_at: None,
    };
    begin(&ask, &db, &user, &hash, Vec::new(), now).await
}

/// `{email, password}`.
async fn sign_in(mut ask: Ask) -> Answer {
    let (db, now) = (ask.db()?, now());
    let mut form = ask.fields(BODY_MAX).await?;
    let email = form.required("email", Email::parse);
    let given = form.required("password", password::given);
    let (email, given) = form.finish(email.zip(given))?;

    let address = Key::address(&throttle::address_of(&ask.request)?);
    let account = Key::account(&email);
    count(&db, &address, throttle::ADDRESS, now).await?;
    if let Err(refused) = count(&db, &account, throttle::ACCOUNT, now).await {
        // Nothing was looked at. Whoever waits for their own account does not make those beside them wait.
        throttle::uncount(&db, &address)?.run().await?;
        return Err(refused);
    }

    // Whether there is such a user must not show, not even in the time it takes.
    let user = user::by_email(&db, &email)
        .await?
        .filter(|user| user.disabled_at.is_none());
    let kept = user.as_ref().and_then(|user| user.password.as_deref());
    let is_right = password::matches(&given, kept);
    let (Some(user), Some(kept), true) = (&user, kept, is_right) else {
        throttle::sweep(&db, now)?.run().await?;
        return Err(Problem::wrong_password().into());
    };
    let more = vec![
        throttle::uncount(&db, &address)?,
        throttle::forget(&db, &account)?,
    ];
    begin(&ask, &db, user, kept, more, now).await
}

/// Begins a session under a new token. The one that the browser brought, if any, ends.
async fn begin(
    ask: &Ask,
    db: &D1Database,
    user: &User,
    password: &str,
    more: Vec<D1PreparedStatement>,
    now: i64,
) -> Answer {
    let token = Token::random()?;
    let address = throttle::address_of(&ask.request)?;
    let beginning = Beginning {
        token: &token,
        user: &user.id,
        password,
        address: &address,
        now,
    };
    let deed = Deed {
        by: Some(&user.id),
        action: "session.begin",
        subject: &user.id,
    };
    let mut batch = vec![beginning.statement(db)?, deed.statement(db, now)?];
    let cookies = ask.request.headers().get("Cookie")?.unwrap_or_default();
    if let Some(old) = token::from_cookies(&cookies) {
        batch.push(session::end(db, &old.hash())?);
    }
    batch.push(session::sweep(db, now)?);
    batch.extend(more);
    let results = db.batch(batch).await?;
    let began: Vec<serde::de::IgnoredAny> = match results.first() {
        Some(first) => first.results()?,
        None => Vec::new(),
    };
    if began.is_empty() {
        // The user was removed or changed the password while this one was being checked.
        return Err(Problem::wrong_password().into());
    }
    let who = Who {
        id: &user.id,
        email: &user.email,
        name: &user.name,
        role: user.role,
        expires_at: Some(now.saturating_add(session::LIFETIME_MS)),
    };
    Ok(ResponseBuilder::new()
        .with_status(201)
        .with_header("Set-Cookie", &token.cookie())?
        .from_json(&who)?)
}

async fn who(ask: Ask) -> Answer {
    Ok(Response::from_json(&Who::visitor(ask.visitor()?))?)
}

async fn sign_out(ask: Ask) -> Answer {
    let (db, visitor) = (ask.db()?, ask.visitor()?);
    if let Proof::Session { hash, .. } = &visitor.by {
        let deed = deed(visitor, "session.end");
        db.batch(vec![session::end(&db, hash)?, deed.statement(&db, now())?])
            .await?;
    }
    signed_out()
}

async fn sign_out_everywhere(ask: Ask) -> Answer {
    let (db, visitor) = (ask.db()?, ask.visitor()?);
    let deed = deed(visitor, "session.end_all");
    db.batch(vec![
        session::end_all(&db, &visitor.id)?,
        deed.statement(&db, now())?,
    ])
    .await?;
    signed_out()
}

/// `{current, password}`. Ends every session, and begins a new one for this browser.
async fn change_password(mut ask: Ask) -> Answer {
    let (db, now) = (ask.db()?, now());
    let mut form = ask.fields(BODY_MAX).await?;
    let current = form.required("current", password::given);
    let new = form.required("password", password::parse);
    let (current, new) = form.finish(current.zip(new))?;

    let visitor = ask.visitor()?;
    let user = user::by_id(&db, &visitor.id).await?;
    let Some((user, kept)) = user.and_then(|user| user.password.clone().map(|kept| (user, kept)))
    else {
        return Err(Problem::conflict(
            "no_password",
            "this account signs in through Cloudflare Access and has no password",
        )
        .into());
    };
    // Whoever finds an open browser guesses here.
    let email = Email::parse(&user.email).map_err(|_| Problem::internal())?;
    let account = Key::account(&email);
    count(&db, &account, throttle::ACCOUNT, now).await?;
    if !password::matches(&current, Some(&kept)) {
        return Err(Problem::wrong_password().into());
    }
    let hash = hashed(&new)?;
    let mut batch = user::change_password(&db, &user.id, &kept, &hash, now)?;
    batch.push(throttle::forget(&db, &account)?);
    db.batch(batch).await?;
    // If somebody was faster, the hash is not the user's and no session begins.
    begin(&ask, &db, &user, &hash, Vec::new(), now).await
}

fn deed<'a>(visitor: &'a Visitor, action: &'static str) -> Deed<'a> {
    Deed {
        by: Some(&visitor.id),
        action,
        subject: &visitor.id,
    }
}

fn signed_out() -> Answer {
    Ok(ResponseBuilder::new()
        .with_status(204)
        .with_header("Set-Cookie", &token::no_cookie())?
        .empty())
}

async fn count(db: &D1Database, key: &Key, policy: Policy, now: i64) -> Result<(), Failure> {
    throttle::count(db, key, policy, now)
        .await?
        .map_err(|seconds| Problem::too_many_attempts(seconds).into())
}

fn setup_closed() -> Failure {
    let why = "the first owner has been made, or there is no set-up code";
    Problem::conflict("setup_closed", why).into()
}
