//! Slowing down those who guess: by the address they come from and by the account they try. Each failure beyond the free ones doubles
//! the wait before the next guess is looked at.
//!
//! A guess is counted before it is looked at and taken back when it was right; so guesses made at once count as many as they are.
//! The account's count lets somebody elsewhere keep its user from signing in anew for a while: sessions that live are not touched.

use std::net::{IpAddr, Ipv6Addr};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use worker::{D1Database, D1PreparedStatement, Request, Result};

use super::{number, sql};

/// How often somebody may be wrong before the waiting begins, how long it is at first and at most, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) free: u32,
    pub(crate) first_wait: i64,
    pub(crate) longest_wait: i64,
}

/// People mistype a few times. At the longest wait ten thousand guesses take a hundred days.
pub(crate) const ACCOUNT: Policy = Policy {
    free: 5,
    first_wait: 1_000,
    longest_wait: 15 * 60 * 1_000,
};

/// A whole office can share an address.
pub(crate) const ADDRESS: Policy = Policy {
    free: 20,
    ..ACCOUNT
};

/// Failures are forgotten when there was none for a day.
const FORGOTTEN_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// What is counted. Kept as a hash: the table shows neither addresses nor whose accounts are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    hash: String,
}

impl Key {
    /// The account of an e-mail address, whether there is one or not.
    pub(crate) fn account(email: &super::email::Email) -> Self {
        Self::of(&format!("account:{}", email.as_str()))
    }

    /// The network that a request comes from.
    pub(crate) fn address(address: &str) -> Self {
        Self::of(&format!("address:{}", network(address)))
    }

    fn of(text: &str) -> Self {
        Self {
            hash: super::hex(&Sha256::digest(text)),
        }
    }
}

/// The address that a request comes from, as the platform tells it; nothing where there is no platform. A client cannot write this header
/// itself: the platform replaces it.
pub(crate) fn address_of(request: &Request) -> Result<String> {
    let told = request.headers().get("CF-Connecting-IP")?;
    let parsed = told.and_then(|told| told.parse::<IpAddr>().ok());
    Ok(parsed.map_or_else(String::new, |address| address.to_string()))
}

/// An address of version 6 counts by its first 64 bits: a single household has all that begin so.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
        },
        _ => address.to_owned(),
    }
}

/// Counts a guess that is about to be looked at. `Err`: it must not be, for so many seconds.
pub(crate) async fn count(
    db: &D1Database,
    key: &Key,
    policy: Policy,
    now: i64,
) -> Result<std::result::Result<(), u64>> {
    #[derive(Deserialize)]
    struct Wait {
        until: i64,
    }
    let counted = db
        .prepare(sql::COUNT_ATTEMPT)
        .bind(&[
            key.hash.as_str().into(),
            number(now),
            policy.free.into(),
            number(policy.first_wait),
            number(policy.longest_wait),
            number(FORGOTTEN_AFTER_MS),
        ])?
        .first::<serde::de::IgnoredAny>(None)
        .await?;
    if counted.is_some() {
        return Ok(Ok(()));
    }
    let wait: Option<Wait> = db
        .prepare(sql::WAIT)
        .bind(&[key.hash.as_str().into()])?
        .first(None)
        .await?;
    let until = wait.map_or(now, |wait| wait.until);
    Ok(Err(whole_seconds(until.saturating_sub(now))))
}

/// What is left to wait, for a header that knows only seconds; at least one.
fn whole_seconds(millis: i64) -> u64 {
    u64::try_from(millis)
        .unwrap_or_default()
        .div_ceil(1_000)
        .max(1)
}

/// Takes a guess back that was right or was none.
pub(crate) fn uncount(db: &D1Database, key: &Key) -> Result<D1PreparedStatement> {
    db.prepare(sql::UNCOUNT_ATTEMPT)
        .bind(&[key.hash.as_str().into()])
}

/// Forgets every failure of a key.
pub(crate) fn forget(db: &D1Database, key: &Key) -> Result<D1PreparedStatement> {
    db.prepare(sql::FORGET_ATTEMPTS)
        .bind(&[key.hash.as_str().into()])
}

/// Removes what is forgotten anyway.
pub(crate) fn sweep(db: &D1Database, now: i64) -> Result<D1PreparedStatement> {
    db.prepare(sql::SWEEP_ATTEMPTS)
        .bind(&[number(now.saturating_sub(FORGOTTEN_AFTER_MS))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::email::Email;

    #[test]
    fn addresses_of_one_household_are_one() {
        let key = Key::address;
        assert_eq!(key("2001:db8:1:2::3"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::3"), key("2001:db8:1:3::3"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[test]
    fn a_key_shows_nothing_of_what_it_is_for() {
        let email = Email::parse("Ann@example.com").unwrap();
        let key = Key::account(&email);
        assert_eq!(key, Key::account(&Email::parse("ann@EXAMPLE.com").unwrap()));
        assert_eq!(key.hash.len(), 64);
        assert!(!key.hash.contains("ann"));
        // An account that is named like an address is another key.
        assert_ne!(Key::of("account:192.0.2.1"), Key::address("192.0.2.1"));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        assert_eq!(
            [-5, 0, 1, 1_000, 1_001, 900_000].map(whole_seconds),
            [1, 1, 1, 1, 2, 900]
        );
    }
}
