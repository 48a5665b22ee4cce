//! Amounts of money. The currency is named behind the number, cents as cents; before a noun it is singular ("a forty-five dollar fee").

use super::cursor::{Cursor, Place, Said};
use super::number::Amount;
use super::words::{cardinal, value};

struct Currency {
    sign: &'static str,
    one: &'static str,
    many: &'static str,
    /// A hundredth of it; empty where there is none in use.
    cent: &'static str,
    cents: &'static str,
}

const fn currency(
    sign: &'static str,
    one: &'static str,
    many: &'static str,
    cent: &'static str,
    cents: &'static str,
) -> Currency {
    Currency {
        sign,
        one,
        many,
        cent,
        cents,
    }
}

const CURRENCIES: [Currency; 7] = [
    currency("$", "dollar", "dollars", "cent", "cents"),
    currency("US$", "US dollar", "US dollars", "cent", "cents"),
    currency(
        "CA$",
        "Canadian dollar",
        "Canadian dollars",
        "cent",
        "cents",
    ),
    currency("C$", "Canadian dollar", "Canadian dollars", "cent", "cents"),
    currency("€", "euro", "euros", "cent", "cents"),
    currency("£", "pound", "pounds", "penny", "pence"),
    currency("¥", "yen", "yen", "", ""),
];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    CURRENCIES
        .iter()
        .find_map(|currency| amount(place, currency))
}

fn amount<'a>(place: Place<'a>, currency: &Currency) -> Option<Said<'a>> {
    let mut cursor = place.cursor();
    if !cursor.take(currency.sign) {
        return None;
    }
    cursor.space();
    let low = Sum::take(&mut cursor)?;
    let mut ahead = cursor;
    let high = ahead
        .joint()
        .then(|| {
            ahead.take(currency.sign);
            Sum::take(&mut ahead)
        })
        .flatten()
        .filter(|_| !ahead.goes_on_with_dash());
    if high.is_some() {
        cursor = ahead;
    }
    let mut behind = cursor;
    if behind.space() && behind.take("USD") && behind.ends_word() {
        cursor = behind;
    }
    if !cursor.ends_word() {
        return None;
    }
    let singular = place.describes(cursor.rest());
    let words = match &high {
        Some(high) if low.is_whole() => {
            format!("{} to {}", low.number(), high.words(currency, singular))
        }
        Some(high) => format!(
            "{} to {}",
            low.words(currency, singular),
            high.words(currency, singular)
        ),
        None => low.words(currency, singular),
    };
    Some(cursor.said(words))
}

/// A number with its cents, or with "million" and the like.
struct Sum<'a> {
    amount: Amount<'a>,
    magnitude: &'static str,
}

impl<'a> Sum<'a> {
    fn take(cursor: &mut Cursor<'a>) -> Option<Self> {
        const MAGNITUDES: [(&str, &str); 10] = [
            ("thousand", " thousand"),
            ("million", " million"),
            ("billion", " billion"),
            ("trillion", " trillion"),
            ("k", " thousand"),
            ("K", " thousand"),
            ("mm", " million"),
            ("M", " million"),
            ("bn", " billion"),
            ("B", " billion"),
        ];
        let mut ahead = *cursor;
        let cents_only = ahead.take(".").then(|| ahead.exactly(2)).flatten();
        let amount = match cents_only {
            Some(cents) => {
                *cursor = ahead;
                Amount::of("0", cents)
            }
            None => Amount::take(cursor)?,
        };
        let found = MAGNITUDES.into_iter().find_map(|(written, said)| {
            let mut ahead = *cursor;
            let apart = ahead.space();
            let fits = ahead.take(written) && ahead.ends_word() && (!apart || written.len() > 2);
            fits.then_some((ahead, said))
        });
        let mut magnitude = "";
        if let Some((behind, said)) = found {
            *cursor = behind;
            magnitude = said;
        }
        Some(Self { amount, magnitude })
    }

    fn is_whole(&self) -> bool {
        !self.has_cents() || value(self.amount.fraction) == 0
    }

    fn has_cents(&self) -> bool {
        self.magnitude.is_empty() && self.amount.fraction.len() == 2
    }

    /// Without cents, and without the currency.
    fn number(&self) -> String {
        if self.has_cents() {
            Amount::of(&self.amount.whole, "").words()
        } else {
            format!("{}{}", self.amount.words(), self.magnitude)
        }
    }

    fn words(&self, currency: &Currency, singular: bool) -> String {
        let one = singular
            || (self.magnitude.is_empty()
                && value(&self.amount.whole) == 1
                && (self.amount.fraction.is_empty() || self.has_cents()));
        let name = if one { currency.one } else { currency.many };
        let cents = value(self.amount.fraction);
        if !self.has_cents() || cents == 0 || currency.cent.is_empty() {
            return format!("{} {name}", self.number());
        }
        let cent = if cents == 1 || singular {
            currency.cent
        } else {
            currency.cents
        };
        let cents = format!("{} {cent}", cardinal(cents));
        if value(&self.amount.whole) == 0 {
            cents
        } else {
            format!("{} {name} and {cents}", self.number())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn amounts() {
        check(&[
            ("It's $45.", "It's forty-five dollars."),
            ("$1", "one dollar"),
            ("$45.50", "forty-five dollars and fifty cents"),
            ("$45.00", "forty-five dollars"),
            ("$1.01", "one dollar and one cent"),
            ("$1,200", "one thousand two hundred dollars"),
            ("$0.99", "ninety-nine cents"),
            ("$.50", "fifty cents"),
            ("$1.2 million", "one point two million dollars"),
            ("$5k", "five thousand dollars"),
            ("$1.5M", "one point five million dollars"),
            ("€20", "twenty euros"),
            ("£1.50", "one pound and fifty pence"),
            ("¥500", "five hundred yen"),
            ("99¢", "ninety-nine cents"),
            ("US$45", "forty-five US dollars"),
            ("45 USD", "forty-five US dollars"),
            ("-$20", "minus twenty dollars"),
            ("$45/hr", "forty-five dollars per hour"),
            ("$99/month.", "ninety-nine dollars per month."),
            ("$100+", "one hundred dollars plus"),
            ("$", "$"),
            ("$5xyz", "$5xyz"),
        ]);
    }

    #[test]
    fn ranges() {
        check(&[
            ("$45-60", "forty-five to sixty dollars"),
            ("$45–$60", "forty-five to sixty dollars"),
            ("$45 - $60 each", "forty-five to sixty dollars each"),
            ("$4.50-$6", "four dollars and fifty cents to six dollars"),
            ("$45 – a bargain", "forty-five dollars – a bargain"),
        ]);
    }

    #[test]
    fn before_a_noun_it_is_singular() {
        check(&[
            ("a $45 fee", "a forty-five dollar fee"),
            ("an $80 cleaning", "an eighty dollar cleaning"),
            ("for $45 at the desk", "for forty-five dollars at the desk"),
            ("our $99 special", "our ninety-nine dollar special"),
        ]);
    }
}
