//! The right to bring a call's sound: put into the answer to the voice webhook, brought back by the stream's first message.
//!
//! A stream's upgrade request names no call, and its signature could be one seen before, so this is what admits it. It is
//! bound to its call; that it admits one stream only is for the call's object to see to.

use crate::seal::{SealError, SealKey};
use crate::settings::Settings;
use crate::ticket::SiteId;

use super::CallSid;

const LABEL: &[u8] = b"voxanne stream token 1";

/// Signs and checks stream tokens.
#[derive(Clone, Debug)]
pub struct TokenKey(SealKey);

impl TokenKey {
    /// The key of a worker with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self(SealKey::new(LABEL, settings))
    }
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamToken {
    pub call: CallSid,
    pub site: SiteId,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("token expired")]
    Expired,
    #[error("token not one of this worker's")]
    Forged,
    #[error("not a token")]
    Malformed,
    #[error("token of another call")]
    WrongCall,
}

impl From<SealError> for TokenError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Expired => Self::Expired,
            SealError::Forged => Self::Forged,
            SealError::Malformed => Self::Malformed,
        }
    }
}

impl StreamToken {
    /// Writes the token of a call. `now` is in seconds since 1970.
    #[must_use]
    pub fn issue(key: &TokenKey, call: &CallSid, site: &SiteId, now: u64) -> String {
        // Neither part can hold a line break.
        key.0.seal(&format!("{call}\n{}", site.as_str()), now)
    }

    /// Checks the token that the stream of `call` brings. `now` is in seconds since 1970.
    pub fn verify(
        key: &TokenKey,
        text: &str,
        call: &CallSid,
        now: u64,
    ) -> Result<Self, TokenError> {
        let parts = key.0.open(text, now)?;
        let token = Self::read(&parts).ok_or(TokenError::Malformed)?;
        if token.call != *call {
            return Err(TokenError::WrongCall);
        }
        Ok(token)
    }

    fn read(parts: &str) -> Option<Self> {
        let (call, site) = parts.split_once('\n')?;
        Some(Self {
            call: call.parse().ok()?,
            site: SiteId::parse(site)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;
    use crate::ticket::{CallId, Ticket, TicketKey};

    const NOW: u64 = 1_795_000_000;

    fn call(digit: char) -> CallSid {
        format!("CA{}", digit.to_string().repeat(32))
            .parse()
            .unwrap()
    }

    fn site() -> SiteId {
        SiteId::parse("demo-dental").unwrap()
    }

    fn settings() -> Settings {
        Settings::for_tests("http://127.0.0.1:9000")
    }

    #[test]
    fn a_token_is_good_for_its_call_and_a_minute() {
        let key = TokenKey::new(&settings());
        let text = StreamToken::issue(&key, &call('a'), &site(), NOW);
        let good = StreamToken {
            call: call('a'),
            site: site(),
        };
        assert_eq!(
            StreamToken::verify(&key, &text, &call('a'), NOW + 59),
            Ok(good)
        );
        assert_eq!(
            StreamToken::verify(&key, &text, &call('a'), NOW + 60),
            Err(TokenError::Expired)
        );
        assert_eq!(
            StreamToken::verify(&key, &text, &call('b'), NOW),
            Err(TokenError::WrongCall)
        );
        assert_eq!(
            StreamToken::verify(&key, "", &call('a'), NOW),
            Err(TokenError::Malformed)
        );
        assert_eq!(
            StreamToken::verify(&key, &format!("{text}A"), &call('a'), NOW),
            Err(TokenError::Forged)
        );
    }

    #[test]
    fn a_ticket_is_no_token() {
        let settings = settings();
        let origin = Origin::parse("https://www.example.com").unwrap();
        let ticket = Ticket::issue(
            &TicketKey::new(&settings),
            CallId::from_random([7; 16]),
            &site(),
            &origin,
            NOW,
        );
        let key = TokenKey::new(&settings);
        assert_eq!(
            StreamToken::verify(&key, &ticket, &call('a'), NOW),
            Err(TokenError::Forged)
        );
        let token = StreamToken::issue(&key, &call('a'), &site(), NOW);
        assert!(Ticket::verify(&TicketKey::new(&settings), &token, &origin, NOW).is_err());
    }

    #[test]
    fn the_longest_token_fits_a_parameter() {
        let site = SiteId::parse(&"s".repeat(64)).unwrap();
        let key = TokenKey::new(&settings());
        let text = StreamToken::issue(&key, &call('f'), &site, u64::MAX);
        // Name and value of a stream's parameter together stay under 500 characters.
        assert!("token".len() + text.len() < 500, "{}", text.len());
        assert!(StreamToken::verify(&key, &text, &call('f'), NOW).is_ok());
    }
}
