//! Numbers, addresses and names that are dictated in groups, with pauses between them that are no ends.

use crate::barge_in::normalise;

/// What she has asked the caller for, which a caller then dictates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A day with its year.
    Birth,
    Email,
    /// A number or a code of any length.
    Reference,
    /// A name, letter by letter.
    Spelling,
    Telephone,
}

/// How far a dictation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Everything is there.
    Complete,
    /// Nothing is being dictated.
    None,
    UnderWay,
}

/// The digits of a telephone number with its area code, in North America.
const TELEPHONE_DIGITS: usize = 10;

/// So many digits one by one are a number even if nobody spoke of one. Fewer are a time, a price or a house.
const DIGITS_OF_A_NUMBER: usize = 4;

/// How much of what she said last is read: her last question and not the one before it.
const LAST_SENTENCES: usize = 160;

impl Wanted {
    /// What the end of what she said asks for.
    #[must_use]
    pub fn by(hers: &str) -> Option<Self> {
        let from = hers.len().saturating_sub(LAST_SENTENCES);
        let last = hers.get(hers.ceil_char_boundary(from)..).unwrap_or(hers);
        let words = format!(" {} ", normalise(last));
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
        if !(last.contains('?') || says(&[" please ", " tell me ", " give me ", " need "])) {
            return None;
        }
        if says(&[" spell "]) {
            Some(Self::Spelling)
        } else if says(&[" email ", " e mail "]) {
            Some(Self::Email)
        } else if says(&[" date of birth ", " birthday ", " born "]) {
            Some(Self::Birth)
        } else if says(&[
            " phone number ",
            " telephone number ",
            " mobile number ",
            " cell number ",
            " contact number ",
            " callback number ",
            " number to reach ",
            " best number ",
            " your number ",
            " a number ",
            " reach you ",
            " call you back ",
        ]) {
            Some(Self::Telephone)
        } else if says(&[" number ", " code "]) {
            Some(Self::Reference)
        } else {
            None
        }
    }
}

/// How far the caller is with what was asked for, or with what they dictate of their own accord. `words` are those of
/// `text`, normalised.
#[must_use]
pub(super) fn progress(words: &str, text: &str, wanted: Option<Wanted>) -> Progress {
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let said = format!(" {} ", words.join(" "));
    let announced = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
    let subject = if announced(&EMAIL_ANNOUNCED) {
        Some(Wanted::Email)
    } else if announced(&NUMBER_ANNOUNCED) {
        Some(Wanted::Telephone)
    } else {
        wanted
    };
    let run = trailing_digits(&words);
    let is_complete = match subject {
        Some(Wanted::Email) => ends_email(&words, text),
        Some(Wanted::Telephone) => run.is_whole_number(),
        Some(Wanted::Birth) => ends_with_year(&words),
        Some(Wanted::Reference | Wanted::Spelling) => false,
        None => run.is_whole_number() && run.groups > 1,
    };
    if is_complete {
        return Progress::Complete;
    }
    let letters = words
        .iter()
        .rev()
        .take_while(|word| word.chars().count() == 1 || **word == "double")
        .count();
    // What was asked for is dictated until it is complete, however a recogniser spells the groups; unless the caller says something else.
    let dictates = match subject {
        Some(Wanted::Telephone) if wanted != subject => run.digits > 0,
        Some(Wanted::Email) if wanted != subject => looks_like_email(&words, text),
        Some(_) => !says_something_else(&words),
        None => run.singles >= DIGITS_OF_A_NUMBER && run.groups > 1,
    };
    if dictates || letters >= 2 || ends_inside_date(&words) {
        Progress::UnderWay
    } else {
        Progress::None
    }
}

/// Whether an answer to being asked for something to write down is none: a refusal, a question, or a sentence.
fn says_something_else(words: &[&str]) -> bool {
    words.is_empty()
        || words.iter().any(|word| REFUSALS.contains(word))
        || words.first().is_some_and(|first| ASKS_BACK.contains(first))
}

/// The digits at the end of what was said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Digits {
    digits: usize,
    /// How many were said or written one by one.
    singles: usize,
    /// In how many words. A single one may be a year or a house.
    groups: usize,
    starts_with_one: bool,
}

impl Digits {
    /// Whether it is a telephone number with its area code.
    const fn is_whole_number(&self) -> bool {
        self.digits >= TELEPHONE_DIGITS.saturating_add(self.starts_with_one as usize)
    }
}

fn trailing_digits(words: &[&str]) -> Digits {
    let mut run = Digits::default();
    let mut repeated = 0_usize;
    for word in words.iter().rev() {
        let count = match *word {
            "double" => std::mem::take(&mut repeated),
            "triple" => std::mem::take(&mut repeated).saturating_mul(2),
            word if DIGIT_WORDS.contains(&word) => 1,
            word if TENS.contains(&word) => 2,
            "hundred" => 2,
            word if word.chars().all(|c| c.is_ascii_digit()) => word.len(),
            word if BETWEEN_DIGITS.contains(&word) && run.digits > 0 => 0,
            // A filler after the last group does not end the number.
            word if FILLERS.contains(&word) && run.digits == 0 => 0,
            _ => break,
        };
        let single =
            DIGIT_WORDS.contains(word) || (count > 0 && word.chars().all(|c| c.is_ascii_digit()));
        repeated = usize::from(single);
        run.digits = run.digits.saturating_add(count);
        if single {
            run.singles = run.singles.saturating_add(count);
            run.groups = run.groups.saturating_add(1);
        }
        if count > 0 {
            run.starts_with_one = *word == "one" || word.starts_with('1');
        }
    }
    run
}

fn looks_like_email(words: &[&str], text: &str) -> bool {
    let address = words
        .iter()
        .position(|word| word.ends_with("mail") || *word == "address")
        .and_then(|at| words.get(at.saturating_add(2)..))
        .unwrap_or(words);
    text.contains('@') || address.len() <= 8
}

/// Whether an address ends with its last part.
fn ends_email(words: &[&str], text: &str) -> bool {
    let has_at = text.contains('@') || words.contains(&"at");
    let mut end = words.iter().rev();
    let (last, before) = (end.next().copied(), end.next().copied());
    let dotted = before == Some("dot")
        || text
            .trim_end_matches(['.', '!', '?'])
            .rsplit(char::is_whitespace)
            .next()
            .is_some_and(|word| word.contains('.'));
    has_at && dotted && last.is_some_and(|last| DOMAINS.contains(&last))
}

fn ends_with_year(words: &[&str]) -> bool {
    let is_year = |word: &str| {
        word.len() == 4
            && (word.starts_with("19") || word.starts_with("20"))
            && word.chars().all(|c| c.is_ascii_digit())
    };
    let spoken = words
        .iter()
        .position(|word| matches!(*word, "nineteen" | "thousand"))
        .or_else(|| {
            // "twenty" is a century only if another ten follows it.
            let pairs = words.iter().zip(words.iter().skip(1));
            pairs
                .enumerate()
                .find(|(_, (word, next))| **word == "twenty" && TENS.contains(*next))
                .map(|(at, _)| at)
        });
    words.iter().any(|word| is_year(word))
        || spoken.is_some_and(|at| at.saturating_add(1) < words.len())
}

/// "on March", "March the twenty": a day is still to come.
fn ends_inside_date(words: &[&str]) -> bool {
    let mut end = words.iter().rev();
    let (last, before) = (end.next().copied(), end.next().copied());
    let after_month = words
        .iter()
        .rev()
        .skip(1)
        .take(2)
        .any(|word| MONTHS.contains(word));
    last.is_some_and(|last| MONTHS.contains(&last) && before.is_some_and(|word| word != "in"))
        || (after_month && matches!(last, Some("twenty" | "thirty")))
}

const EMAIL_ANNOUNCED: [&str; 4] = [
    " email is ",
    " email address is ",
    " e mail is ",
    " e mail address is ",
];

const NUMBER_ANNOUNCED: [&str; 10] = [
    " number is ",
    " number's ",
    " my numbers ",
    " my number ",
    " phone number ",
    " cell number ",
    " reach me at ",
    " reach me on ",
    " call me at ",
    " call me back at ",
];

const DIGIT_WORDS: [&str; 11] = [
    "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// Words that stand for two digits.
const TENS: [&str; 18] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];

/// Said inside a number.
const BETWEEN_DIGITS: [&str; 9] = [
    "and",
    "area",
    "code",
    "dash",
    "then",
    "uh",
    "um",
    "plus",
    "extension",
];

const FILLERS: [&str; 6] = ["uh", "um", "er", "and", "then", "dash"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How addresses end: the common ones. Another one waits for the length of a pause.
const DOMAINS: [&str; 14] = [
    "biz", "ca", "co", "com", "de", "edu", "gov", "info", "io", "me", "net", "org", "uk", "us",
];

/// In an answer to being asked for something, that it will not be given, or not now.
const REFUSALS: [&str; 15] = [
    "already", "can't", "cannot", "don't", "moment", "never", "no", "none", "not", "rather",
    "remember", "second", "sorry", "without", "wrong",
];

/// How a caller begins who asks back.
const ASKS_BACK: [&str; 8] = [
    "can", "could", "do", "excuse", "how", "is", "pardon", "what",
];

#[cfg(test)]
mod tests {
    use super::Progress::{Complete, None as Nothing, UnderWay};
    use super::*;

    fn of(text: &str, wanted: Option<Wanted>) -> Progress {
        progress(&normalise(text), text, wanted)
    }

    #[test]
    fn a_telephone_number_has_all_its_digits_or_goes_on() {
        for (text, expected) in [
            ("My number is", Nothing),
            ("My number is five five five", UnderWay),
            ("My number is 555-123", UnderWay),
            ("My number is 555 123 4567.", Complete),
            ("My number is (555) 123-4567.", Complete),
            (
                "You can reach me at five double five, one two three, four five six",
                UnderWay,
            ),
            (
                "You can reach me at five double five, one two three, four five six seven",
                Complete,
            ),
            (
                "my number is one five five five one two three four five six",
                UnderWay,
            ),
            ("my number is 1 555 123 4567", Complete),
            ("my number is 555 123 um", UnderWay),
            ("five five five one", UnderWay),
            ("at three thirty", Nothing),
            ("at 9 30", Nothing),
            ("for two people", Nothing),
            ("I was there in 2019", Nothing),
        ] {
            assert_eq!(of(text, None), expected, "{text:?}");
        }
        let wanted = Some(Wanted::Telephone);
        assert_eq!(of("Yes, it's", wanted), UnderWay);
        assert_eq!(of("555", wanted), UnderWay);
        assert_eq!(
            of("Two-sixths.", wanted),
            UnderWay,
            "a recogniser's spelling"
        );
        assert_eq!(of("I'd rather not say.", wanted), Nothing);
        assert_eq!(of("What do you need it for?", wanted), Nothing);
        assert_eq!(of("W X seven", Some(Wanted::Reference)), UnderWay);
    }

    #[test]
    fn an_address_ends_with_its_domain() {
        let wanted = Some(Wanted::Email);
        for (text, expected) in [
            ("jane", UnderWay),
            ("jane dot doe", UnderWay),
            ("jane dot doe at example", UnderWay),
            ("jane dot doe at example dot", UnderWay),
            ("jane dot doe at example dot com", Complete),
            ("jane.doe@example.com.", Complete),
            ("And for what", UnderWay),
            ("I don't have one.", Nothing),
        ] {
            assert_eq!(of(text, wanted), expected, "{text:?}");
        }
        assert_eq!(of("My email is jane at example", None), UnderWay);
        assert_eq!(of("Can I send you an email?", None), Nothing);
    }

    #[test]
    fn letters_and_dates_go_on() {
        for (text, wanted, expected) in [
            ("Smith, S-M-I", None, UnderWay),
            ("it's S", Some(Wanted::Spelling), UnderWay),
            ("on March", None, UnderWay),
            ("March the twenty", None, UnderWay),
            ("on March 3rd", None, Nothing),
            ("March third", Some(Wanted::Birth), UnderWay),
            ("March third 1985", Some(Wanted::Birth), Complete),
            (
                "March third nineteen eighty five",
                Some(Wanted::Birth),
                Complete,
            ),
            ("I may come", None, Nothing),
        ] {
            assert_eq!(of(text, wanted), expected, "{text:?}");
        }
    }

    #[test]
    fn what_she_asks_for_is_in_her_last_words() {
        for (hers, wanted) in [
            (
                "What is the best number to reach you?",
                Some(Wanted::Telephone),
            ),
            (
                "May I have your phone number, please?",
                Some(Wanted::Telephone),
            ),
            ("Could you spell your name for me?", Some(Wanted::Spelling)),
            ("And your email address?", Some(Wanted::Email)),
            (
                "Can you give me the number on your card?",
                Some(Wanted::Reference),
            ),
            ("What's your date of birth?", Some(Wanted::Birth)),
            ("Our phone number is on the website.", None),
            ("What day suits you?", None),
            ("", None),
        ] {
            assert_eq!(Wanted::by(hers), wanted, "{hers:?}");
        }
    }
}
