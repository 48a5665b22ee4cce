//! What the telephone company calls calls and streams.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Text that is not a name of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {0} and 32 hexadecimal digits")]
pub struct NotASid(&'static str);

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it stands in messages and addresses.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotASid;

            fn from_str(text: &str) -> Result<Self, NotASid> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotASid;

            fn try_from(text: String) -> Result<Self, NotASid> {
                match text.strip_prefix($prefix) {
                    Some(rest) if is_hex(rest) => Ok(Self(text)),
                    _ => Err(NotASid($prefix)),
                }
            }
        }

        impl From<$name> for String {
            fn from(sid: $name) -> Self {
                sid.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sid! {
    /// A telephone call: `CA` and 32 lower-case hexadecimal digits.
    CallSid, "CA"
}

sid! {
    /// A call's media stream: `MZ` and 32 lower-case hexadecimal digits.
    StreamSid, "MZ"
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 32 && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_sid_has_its_prefix_and_32_digits() {
        let call: CallSid = format!("CA{DIGITS}").parse().unwrap();
        assert_eq!(call.to_string(), format!("CA{DIGITS}"));
        let stream: StreamSid = format!("MZ{DIGITS}").parse().unwrap();
        assert_eq!(
            serde_json::to_value(&stream).unwrap(),
            format!("MZ{DIGITS}")
        );
        for text in [
            String::new(),
            DIGITS.to_owned(),
            format!("MZ{DIGITS}"),
            format!("ca{DIGITS}"),
            format!("CA{DIGITS}0"),
            format!("CA{}", DIGITS.to_uppercase()),
            format!("CA{}", &DIGITS[1..]),
            format!("CA{}/", &DIGITS[1..]),
            format!("CA{}é", &DIGITS[2..]),
        ] {
            assert_eq!(text.parse::<CallSid>(), Err(NotASid("CA")), "{text}");
            let json = serde_json::Value::from(text);
            assert!(serde_json::from_value::<CallSid>(json).is_err());
        }
    }
}
