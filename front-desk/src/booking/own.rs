//! Whose appointment it is: only with the caller's number and name is one moved or cancelled.
//!
//! A refusal does not tell which of the two was wrong.

use super::{Booking, Claim, Reason, Refusal, Status};
use crate::business::Business;
use crate::say;
use crate::text::{Name, Phone};

/// The one appointment to come that the caller means. `calling` is the number the call comes from.
pub fn find_own<'a>(
    business: &Business,
    bookings: &'a [Booking],
    claim: &Claim,
    calling: Option<&Phone>,
    now: i64,
) -> Result<&'a Booking, Refusal> {
    let Some(phone) = claim.phone.as_ref().or(calling) else {
        let say = "Ask for the telephone number that was given with the booking.";
        return Err(Refusal::plain(Reason::PhoneMissing, say));
    };
    let own = |booking: &&Booking| {
        booking.status == Status::Booked
            && booking.starts_at > now
            && same_caller(booking, &claim.name, phone)
    };
    let meant = |booking: &&Booking| {
        let (date, time) = business.zone.local(booking.starts_at);
        claim.current.date.is_none_or(|day| day == date)
            && claim.current.time.is_none_or(|clock| clock == time)
    };
    let found: Vec<&Booking> = bookings.iter().filter(own).collect();
    let mut chosen = found.iter().copied().filter(meant);
    match (chosen.next(), chosen.next()) {
        (Some(booking), None) => Ok(booking),
        (None, _) if found.is_empty() => {
            let say = "There is no coming appointment under that name and telephone number.";
            Err(Refusal::plain(Reason::NotFound, say))
        }
        (None, _) => Err(several(
            "There is none then, but there is",
            business,
            &found,
        )),
        (Some(_), Some(_)) => Err(several("Ask which one:", business, &found)),
    }
}

/// Whether a booking was made by one of this name and number.
#[must_use]
pub fn same_caller(booking: &Booking, name: &Name, phone: &Phone) -> bool {
    booking.phone.as_ref().is_some_and(|own| own.is_same(phone))
        && same_name(booking.name.as_str(), name.as_str())
}

fn several(lead: &str, business: &Business, found: &[&Booking]) -> Refusal {
    let each = |booking: &&Booking| {
        let (date, time) = business.zone.local(booking.starts_at);
        format!(
            "{} on {} at {}",
            booking.service_name,
            say::day(date),
            say::time(time)
        )
    };
    let each: Vec<String> = found.iter().take(SAID).map(each).collect();
    Refusal::plain(
        Reason::Several,
        format!("{lead} {}.", say::list(&each, "or")),
    )
}

/// Whether two names can be one person's, as they are heard: case, accents, titles and what stands between do not count, and one may be a part
/// of the other ("Lovelace" of "Ada Lovelace").
fn same_name(one: &str, two: &str) -> bool {
    let (one, two) = (words(one), words(two));
    if !one.is_empty() && one.concat() == two.concat() {
        // Where one word ends is not heard either.
        return true;
    }
    let (short, long) = if one.len() <= two.len() {
        (one, two)
    } else {
        (two, one)
    };
    !short.is_empty() && short.iter().all(|word| long.contains(word))
}

fn words(name: &str) -> Vec<String> {
    let plain: String = name
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(plain)
        .collect();
    // "Müller" is heard as "Mueller" and "Muller".
    let plain = plain
        .replace("ae", "a")
        .replace("oe", "o")
        .replace("ue", "u");
    plain
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !TITLES.contains(word))
        .map(without_doubles)
        .collect()
}

/// Doubled letters are not heard: "Phillip", "Philip".
fn without_doubles(word: &str) -> String {
    let mut single: Vec<char> = word.chars().collect();
    single.dedup();
    single.into_iter().collect()
}

/// A small letter without its accent. Apostrophes and combining accents vanish: O'Neil is Oneil.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'æ' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'œ' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' | 'ß' => 's',
        'ť' | 'ț' | 'ţ' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        '\'' | '’' | '\u{300}'..='\u{36f}' => return None,
        letter => letter,
    })
}

const TITLES: [&str; 12] = [
    "doctor", "dr", "herr", "frau", "lady", "madam", "miss", "mr", "mrs", "ms", "prof", "sir",
];

/// Of a caller's appointments, so many are told apart by ear.
const SAID: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::When;

    #[test]
    fn names_are_compared_as_they_are_heard() {
        for (one, two, same) in [
            ("Ada Lovelace", "ada lovelace", true),
            ("Ada Lovelace", "Mrs. Lovelace", true),
            ("Lovelace, Ada", "Dr Ada Lovelace", true),
            ("José Muñoz", "Jose Munoz", true),
            ("Müller", "Mueller", true),
            ("Müller", "Muller", true),
            ("Zoe\u{308} O'Neil", "Zoë ONeil", true),
            ("Phillip Strauß", "Philip Strauss", true),
            ("Anna Miller", "Annamiller", true),
            ("Anna Marie Miller", "Annamarie Miller", true),
            ("Ada Lovelace", "Ada Byron", false),
            ("Mr", "Mrs", false),
            ("Ada Lovelace", "Mr", false),
            ("Ada Lovelace", "Love", false),
            ("李小龙", "李小龙", true),
            ("李小龙", "李小", false),
        ] {
            assert_eq!(same_name(one, two), same, "{one}, {two}");
            assert_eq!(same_name(two, one), same, "{two}, {one}");
        }
    }

    fn booking(id: &str, name: &str, phone: Option<&str>, start: i64) -> Booking {
        Booking {
            id: id.to_owned(),
            service: "cleaning".to_owned(),
            service_name: "cleaning".to_owned(),
            price: 9_000,
            starts_at: start,
            ends_at: start + 45 * 60_000,
            name: Name::parse(name).unwrap(),
            phone: phone.map(|phone| Phone::parse(phone, "US").unwrap()),
            status: Status::Booked,
            created_at: 0,
            changed_at: 0,
            sequence: 0,
        }
    }

    #[test]
    fn only_ones_own_appointment_to_come_is_found() {
        let business = Business::demo();
        let at = |day: &str, time: &str| {
            business
                .zone
                .instant(day.parse().unwrap(), time.parse().unwrap())
                .unwrap()
        };
        let now = at("2026-11-23", "12:00");
        let mut gone = booking(
            "gone",
            "Ada Lovelace",
            Some("2025550143"),
            at("2026-11-26", "10:00"),
        );
        gone.status = Status::Cancelled;
        let bookings = [
            gone,
            booking(
                "past",
                "Ada Lovelace",
                Some("2025550143"),
                at("2026-11-23", "09:00"),
            ),
            booking(
                "one",
                "Ada Lovelace",
                Some("2025550143"),
                at("2026-11-24", "10:00"),
            ),
            booking(
                "two",
                "Ada Lovelace",
                Some("2025550143"),
                at("2026-11-25", "15:30"),
            ),
            booking("bare", "Ada Lovelace", None, at("2026-11-25", "10:00")),
            booking(
                "hers",
                "Grace Hopper",
                Some("2025550199"),
                at("2026-11-25", "11:00"),
            ),
        ];
        let find = |name: &str, phone: Option<&str>, calling: Option<&str>, day: Option<&str>| {
            let number = |text| Phone::parse(text, "US").unwrap();
            let claim = Claim {
                name: Name::parse(name).unwrap(),
                phone: phone.map(number),
                current: When {
                    date: day.map(|day| day.parse().unwrap()),
                    ..When::default()
                },
            };
            let found = find_own(
                &business,
                &bookings,
                &claim,
                calling.map(number).as_ref(),
                now,
            );
            found
                .map(|booking| booking.id.clone())
                .map_err(|refusal| (refusal.reason, refusal.say))
        };
        assert_eq!(
            find("Ada", Some("2025550143"), None, Some("2026-11-24")),
            Ok("one".to_owned())
        );
        assert_eq!(
            find("Hopper", None, Some("+12025550199"), None),
            Ok("hers".to_owned())
        );
        let several = find("Ada Lovelace", None, Some("+12025550143"), None).unwrap_err();
        assert_eq!(several.0, Reason::Several);
        assert_eq!(
            several.1,
            "Ask which one: cleaning on Tuesday, November 24 at 10 am or cleaning on Wednesday, November 25 at 3:30 pm."
        );
        assert_eq!(
            find("Ada", Some("2025550143"), None, Some("2026-11-26"))
                .unwrap_err()
                .0,
            Reason::Several
        );
        for (name, phone, calling) in [
            ("Grace", None, Some("+12025550143")),
            ("Ada", Some("2025550100"), Some("+12025550143")),
            ("Nobody", Some("2025550143"), None),
        ] {
            assert_eq!(
                find(name, phone, calling, None).unwrap_err().0,
                Reason::NotFound,
                "{name}"
            );
        }
        assert_eq!(
            find("Ada Lovelace", None, None, None).unwrap_err().0,
            Reason::PhoneMissing
        );
    }
}
