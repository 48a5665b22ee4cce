//! Sessions: a row for each browser that has signed in. A token is new at every sign-in, whatever token the browser brought, so
//! that nobody can make a visitor use a token that they know.

use serde::Deserialize;
use worker::{D1Database, D1PreparedStatement, Result};

use super::token::Token;
use super::{Proof, Role, Visitor, number, sql};
use crate::store::{Database, Query};

/// A session that has not been used for so long is over: a working day with its breaks, and not the next morning.
const IDLE_MS: i64 = 12 * 60 * 60 * 1_000;

/// However much it is used, a session is over after 30 days: a browser that was lost does not stay signed in for ever.
pub(crate) const LIFETIME_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// How often at most a session's use is written down. A page asks several times a second; against twelve hours five minutes are little.
const NOTED_EVERY_MS: i64 = 5 * 60 * 1_000;

/// A session and whose it is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) token_hash: String,
    pub(crate) seen_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: Role,
}

impl Row {
    /// Who comes with this session, if it is not over.
    pub(crate) fn visitor(self, now: i64) -> Option<Visitor> {
        let is_over = now >= self.expires_at || now.saturating_sub(self.seen_at) >= IDLE_MS;
        (!is_over).then_some(Visitor {
            id: self.id,
            email: self.email,
            name: self.name,
            role: self.role,
            by: Proof::Session {
                hash: self.token_hash,
                expires_at: self.expires_at,
            },
        })
    }
}

/// Who comes with a token. Notes the session's use now and then.
pub(super) async fn find(db: &impl Database, token: &Token, now: i64) -> Result<Option<Visitor>> {
    let hash = token.hash();
    let row: Option<Row> = db.first(Query::new(sql::SESSION).bind(&hash)).await?;
    let Some(row) = row else { return Ok(None) };
    let seen_at = row.seen_at;
    let visitor = row.visitor(now);
    if visitor.is_some() && now.saturating_sub(seen_at) >= NOTED_EVERY_MS {
        db.run(Query::new(sql::SEEN).bind(hash).bind(now)).await?;
    }
    Ok(visitor)
}

/// A session that is about to begin.
pub(crate) struct Beginning<'a> {
    pub(crate) token: &'a Token,
    /// The user's id.
    pub(crate) user: &'a str,
    /// The hash of the password that was checked. If it is not the user's any more, nothing begins.
    pub(crate) password: &'a str,
    /// Where the browser is, for the user to recognise.
    pub(crate) address: &'a str,
    pub(crate) now: i64,
}

impl Beginning<'_> {
    /// The statement; it gives a row if the session begins.
    pub(crate) fn statement(&self, db: &D1Database) -> Result<D1PreparedStatement> {
        db.prepare(sql::BEGIN_SESSION).bind(&[
            self.token.hash().into(),
            self.user.into(),
            number(self.now),
            number(self.now.saturating_add(LIFETIME_MS)),
            self.address.into(),
            self.password.into(),
        ])
    }
}

/// Removes what is over.
pub(crate) fn sweep(db: &D1Database, now: i64) -> Result<D1PreparedStatement> {
    db.prepare(sql::SWEEP_SESSIONS).bind(&[number(now)])
}

/// Ends one session.
pub(crate) fn end(db: &D1Database, hash: &str) -> Result<D1PreparedStatement> {
    db.prepare(sql::END_SESSION).bind(&[hash.into()])
}

/// Ends every session of a user.
pub(crate) fn end_all(db: &D1Database, user: &str) -> Result<D1PreparedStatement> {
    db.prepare(sql::END_SESSIONS).bind(&[user.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    fn row(seen_at: i64, expires_at: i64) -> Row {
        Row {
            token_hash: "hash".to_owned(),
            seen_at,
            expires_at,
            id: "1".to_owned(),
            email: "ann@example.com".to_owned(),
            name: "Ann".to_owned(),
            role: Role::Viewer,
        }
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_or_old() {
        let begun = row(NOW, NOW + LIFETIME_MS);
        assert!(begun.clone().visitor(NOW).is_some());
        assert!(begun.clone().visitor(NOW + IDLE_MS - 1).is_some());
        assert!(begun.visitor(NOW + IDLE_MS).is_none());
        let used = row(NOW + LIFETIME_MS - 1_000, NOW + LIFETIME_MS);
        assert!(used.clone().visitor(NOW + LIFETIME_MS - 1).is_some());
        assert!(used.visitor(NOW + LIFETIME_MS).is_none());
    }

    #[test]
    fn a_visitor_is_who_the_session_is_for() {
        let visitor = row(NOW, NOW + 1).visitor(NOW).unwrap();
        assert_eq!((visitor.id.as_str(), visitor.role), ("1", Role::Viewer));
        assert_eq!(
            visitor.by,
            Proof::Session {
                hash: "hash".to_owned(),
                expires_at: NOW + 1
            }
        );
    }
}
