//! The right to open one call: short-lived, signed, bound to a call, a site and the page's origin.
//!
//! A browser cannot put a secret into a socket's upgrade request, so it fetches a ticket from an endpoint that checks its
//! origin, and shows it in the address. A ticket says who may begin; that it begins only once is for the call's
//! object to see to, which is named by the call's id and keeps what it has seen.

use std::fmt;
use std::str::FromStr;

use crate::seal::{self, SealError, SealKey};
use crate::settings::{Origin, Settings};

/// How long a ticket is good.
pub const LIFETIME_SECONDS: u64 = seal::LIFETIME_SECONDS;

const LABEL: &[u8] = b"voxanne call ticket 2";

const RESUME_LABEL: &[u8] = b"voxanne call resume 1";

/// How long a call can be gone on with: the longest there is, and the time that a lost line is waited for.
const RESUME_SECONDS: u64 = 35 * 60;

/// What a call is known by: 128 random bits, so that nobody can name another's call. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(u128);

impl CallId {
    /// An id of these bits, which must be random.
    #[must_use]
    pub const fn from_random(bits: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bits))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({self})")
    }
}

/// Text that is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a call")]
pub struct NotACallId;

impl FromStr for CallId {
    type Err = NotACallId;

    fn from_str(text: &str) -> Result<Self, NotACallId> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(NotACallId);
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| NotACallId)
    }
}

/// A business's public name, as its pages write it: lower-case letters, digits and hyphens, at most 64.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SiteId(String);

impl SiteId {
    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=64).contains(&text.len()) && text.bytes().all(is_plain))
            .then(|| Self(text.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Signs and checks tickets.
#[derive(Clone, Debug)]
pub struct TicketKey(SealKey);

impl TicketKey {
    /// The key of a worker with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self(SealKey::new(LABEL, settings))
    }

    /// The key under which a worker with these settings lets a browser go on with its call.
    #[must_use]
    pub fn to_resume(settings: &Settings) -> Self {
        Self(SealKey::new(RESUME_LABEL, settings))
    }
}

/// What a good ticket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub call: CallId,
    pub site: SiteId,
    pub origin: Origin,
}

/// Why a ticket is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    #[error("the ticket has expired")]
    Expired,
    #[error("the ticket is not one of this worker's")]
    Forged,
    #[error("this is not a ticket")]
    Malformed,
    #[error("the ticket was made for a page of another origin")]
    WrongOrigin,
}

impl From<SealError> for TicketError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Expired => Self::Expired,
            SealError::Forged => Self::Forged,
            SealError::Malformed => Self::Malformed,
        }
    }
}

impl Ticket {
    /// Writes a ticket. `now` is in seconds since 1970.
    #[must_use]
    pub fn issue(
        key: &TicketKey,
        call: CallId,
        site: &SiteId,
        origin: &Origin,
        now: u64,
    ) -> String {
        // No part can hold a line break.
        let parts = format!("{call}\n{}\n{origin}", site.as_str());
        key.0.seal(&parts, now)
    }

    /// The right to go on with this ticket's call, from a page of the same origin. The key is that [to resume](TicketKey::to_resume).
    #[must_use]
    pub fn resume(&self, key: &TicketKey, now: u64) -> String {
        let Self { call, site, origin } = self;
        let parts = format!("{call}\n{}\n{origin}", site.as_str());
        key.0.seal_for(&parts, now, RESUME_SECONDS)
    }

    /// Checks a ticket shown by a page of `origin`. `now` is in seconds since 1970.
    pub fn verify(
        key: &TicketKey,
        text: &str,
        origin: &Origin,
        now: u64,
    ) -> Result<Self, TicketError> {
        let parts = key.0.open(text, now)?;
        let ticket = Self::read(&parts).ok_or(TicketError::Malformed)?;
        if ticket.origin != *origin {
            return Err(TicketError::WrongOrigin);
        }
        Ok(ticket)
    }

    fn read(parts: &str) -> Option<Self> {
        let mut parts = parts.split('\n');
        let call = parts.next()?.parse().ok()?;
        let site = SiteId::parse(parts.next()?)?;
        let origin = Origin::parse(parts.next()?)?;
        parts
            .next()
            .is_none()
            .then_some(Self { call, site, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::TEXT_MAX;
    use crate::settings::Secret;

    const NOW: u64 = 1_795_000_000;

    fn key(secrets: &[&str]) -> TicketKey {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::parse(secret).unwrap())
            .collect();
        TicketKey(SealKey::derive(LABEL, &secrets.iter().collect::<Vec<_>>()))
    }

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn home() -> Origin {
        origin("https://www.example.com")
    }

    fn ticket() -> Ticket {
        Ticket {
            call: CallId::from_random([7; 16]),
            site: SiteId::parse("demo-dental").unwrap(),
            origin: home(),
        }
    }

    fn issue() -> String {
        let ticket = ticket();
        Ticket::issue(
            &key(&["a", "b"]),
            ticket.call,
            &ticket.site,
            &ticket.origin,
            NOW,
        )
    }

    fn verify(text: &str, now: u64) -> Result<Ticket, TicketError> {
        Ticket::verify(&key(&["a", "b"]), text, &home(), now)
    }

    #[test]
    fn a_ticket_is_good_for_a_minute() {
        let text = issue();
        assert_eq!(verify(&text, NOW), Ok(ticket()));
        assert_eq!(verify(&text, NOW + 59), Ok(ticket()));
        assert_eq!(verify(&text, NOW + 60), Err(TicketError::Expired));
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
            "{text}"
        );
    }

    #[test]
    fn the_right_to_resume_is_no_ticket_and_outlasts_a_call() {
        let secret = Secret::parse("a").unwrap();
        let key = TicketKey(SealKey::derive(RESUME_LABEL, &[&secret]));
        let tickets = TicketKey(SealKey::derive(LABEL, &[&secret]));
        let text = ticket().resume(&key, NOW);
        let verify = |key, now| Ticket::verify(key, &text, &home(), now);
        assert_eq!(verify(&key, NOW + 34 * 60), Ok(ticket()));
        assert_eq!(verify(&key, NOW + 35 * 60), Err(TicketError::Expired));
        assert_eq!(verify(&tickets, NOW), Err(TicketError::Forged));
    }

    #[test]
    fn a_ticket_is_good_for_its_origin() {
        let text = issue();
        for other in [
            "http://www.example.com",
            "https://example.com",
            "https://www.example.com:8443",
        ] {
            let refused = Ticket::verify(&key(&["a", "b"]), &text, &origin(other), NOW);
            assert_eq!(refused, Err(TicketError::WrongOrigin), "{other}");
        }
    }

    #[test]
    fn no_changed_character_passes() {
        let text = issue();
        for (place, old) in text.char_indices() {
            for new in ['A', 'B', 'z', '_', '.', '='] {
                let mut changed = text.clone();
                changed.replace_range(place..place + 1, new.encode_utf8(&mut [0; 4]));
                if new != old {
                    assert!(
                        matches!(
                            verify(&changed, NOW),
                            Err(TicketError::Forged | TicketError::Malformed)
                        ),
                        "{new} at {place}"
                    );
                }
            }
        }
    }

    #[test]
    fn another_workers_ticket_is_forged() {
        let text = issue();
        for secrets in [["a", "c"], ["b", "a"], ["ab", "b"], ["a", "bb"]] {
            let refused = Ticket::verify(&key(&secrets), &text, &home(), NOW);
            assert_eq!(refused, Err(TicketError::Forged), "{secrets:?}");
        }
        let resigned = Ticket::issue(
            &key(&["a", "bc"]),
            ticket().call,
            &ticket().site,
            &home(),
            NOW,
        );
        assert_eq!(
            Ticket::verify(&key(&["ab", "c"]), &resigned, &home(), NOW),
            Err(TicketError::Forged)
        );
        let (payload, _) = text.split_once('.').unwrap();
        assert_eq!(
            verify(&format!("{payload}."), NOW),
            Err(TicketError::Forged)
        );
    }

    #[test]
    fn what_is_no_ticket() {
        for text in [
            "",
            ".",
            "a.b",
            "no-dot",
            "!!.!!",
            "\u{1F3AB}.x",
            &"A".repeat(100_000),
            &format!("{}.", issue()),
        ] {
            let refused = verify(text, NOW).unwrap_err();
            assert!(
                matches!(refused, TicketError::Malformed | TicketError::Forged),
                "{text}: {refused}"
            );
        }
        assert_eq!(
            verify(&"A".repeat(100_000), NOW),
            Err(TicketError::Malformed)
        );
    }

    #[test]
    fn the_longest_ticket_fits_the_bound() {
        let key = key(&["a", "b"]);
        let site = SiteId::parse(&"s".repeat(64)).unwrap();
        let label = "o".repeat(63);
        let long = origin(&format!(
            "https://{label}.{label}.{label}.{}:65535",
            "o".repeat(61)
        ));
        let text = Ticket::issue(&key, CallId::from_random([255; 16]), &site, &long, u64::MAX);
        assert!(text.len() < TEXT_MAX, "{}", text.len());
        assert!(Ticket::verify(&key, &text, &long, NOW).is_ok());
    }

    #[test]
    fn a_call_id_is_32_digits() {
        let id = CallId::from_random([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "0001",
            "000102030405060708090A0B0C0D0E0F",
            "+00102030405060708090a0b0c0d0e0f",
        ] {
            assert_eq!(text.parse::<CallId>(), Err(NotACallId), "{text}");
        }
    }

    #[test]
    fn a_site_is_a_plain_name() {
        assert!(SiteId::parse("demo-dental").is_some());
        for text in ["", "Demo", "a/b", "a\nb", "ä", &"a".repeat(65)] {
            assert!(SiteId::parse(text).is_none(), "{text}");
        }
    }
}
