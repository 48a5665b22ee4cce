//! Money: the currency of a business, and amounts in words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Not a code of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency's code of three letters, such as USD or EUR")]
pub struct NoCurrency;

impl Currency {
    pub const USD: Self = Self(*b"USD");

    pub fn parse(code: &str) -> Result<Self, NoCurrency> {
        let code: [u8; 3] = code.as_bytes().try_into().map_err(|_length| NoCurrency)?;
        let letters = code.iter().all(u8::is_ascii_alphabetic);
        letters
            .then(|| Self(code.map(|letter| letter.to_ascii_uppercase())))
            .ok_or(NoCurrency)
    }

    #[must_use]
    pub fn code(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits its minor unit has: two for cents, none for yen.
    #[must_use]
    pub fn minor_digits(self) -> u8 {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }

    /// An amount as it is written: `60`, `60.50`.
    #[must_use]
    pub fn amount(self, minor: i64) -> String {
        let digits = usize::from(self.minor_digits());
        let unit = 10_u64.saturating_pow(u32::from(self.minor_digits()));
        let sign = if minor < 0 { "-" } else { "" };
        let (whole, rest) = (
            minor.unsigned_abs().checked_div(unit).unwrap_or_default(),
            minor.unsigned_abs().checked_rem(unit).unwrap_or_default(),
        );
        if rest == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{rest:0digits$}")
        }
    }

    /// An amount as it is said: `60 dollars`.
    #[must_use]
    pub fn spoken(self, minor: i64) -> String {
        if minor == 0 {
            return "free of charge".to_owned();
        }
        let amount = self.amount(minor);
        let (one, many) = match self.code() {
            "AUD" | "CAD" | "HKD" | "NZD" | "SGD" | "USD" => ("dollar", "dollars"),
            "CHF" => ("franc", "francs"),
            "CZK" | "DKK" | "NOK" | "SEK" => ("crown", "crowns"),
            "EUR" => ("euro", "euros"),
            "GBP" => ("pound", "pounds"),
            "INR" | "LKR" | "NPR" | "PKR" => ("rupee", "rupees"),
            "JPY" => ("yen", "yen"),
            "MXN" => ("peso", "pesos"),
            "ZAR" => ("rand", "rand"),
            code => (code, code),
        };
        format!("{amount} {}", if amount == "1" { one } else { many })
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Currency {
    type Error = NoCurrency;

    fn try_from(code: String) -> Result<Self, NoCurrency> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_and_said() {
        for (code, minor, written, said) in [
            ("USD", 6_000, "60", "60 dollars"),
            ("USD", 6_050, "60.50", "60.50 dollars"),
            ("usd", 100, "1", "1 dollar"),
            ("EUR", 5, "0.05", "0.05 euros"),
            ("JPY", 4_000, "4000", "4000 yen"),
            ("KWD", 1_250, "1.250", "1.250 KWD"),
            ("GBP", -250, "-2.50", "-2.50 pounds"),
            ("EUR", 0, "0", "free of charge"),
            (
                "USD",
                i64::MIN,
                "-92233720368547758.08",
                "-92233720368547758.08 dollars",
            ),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!(
                (currency.amount(minor), currency.spoken(minor)),
                (written.to_owned(), said.to_owned())
            );
        }
    }

    #[test]
    fn a_code_is_three_letters() {
        for code in ["", "US", "USDX", "U$D", "12E", "€UR"] {
            assert_eq!(Currency::parse(code), Err(NoCurrency), "{code}");
        }
        assert_eq!(serde_json::to_string(&Currency::USD).unwrap(), "\"USD\"");
        assert!(serde_json::from_str::<Currency>("\"$\"").is_err());
    }
}
