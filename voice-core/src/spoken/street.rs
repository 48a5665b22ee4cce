//! Street addresses: house numbers in pairs, "St." and "Dr." by where they stand, rooms, states and ZIP codes.

use super::cursor::{Cursor, Place, Said, full_stop, is_capitalised, is_one_of, meaning};
use super::words::{each_digit, house};

/// Short and long. "St" and "Dr" are also before names.
const TYPES: [(&str, &str); 17] = [
    ("Ave", "Avenue"),
    ("Blvd", "Boulevard"),
    ("Cir", "Circle"),
    ("Ct", "Court"),
    ("Dr", "Drive"),
    ("Expy", "Expressway"),
    ("Fwy", "Freeway"),
    ("Hwy", "Highway"),
    ("Ln", "Lane"),
    ("Pkwy", "Parkway"),
    ("Pl", "Place"),
    ("Rd", "Road"),
    ("Sq", "Square"),
    ("St", "Street"),
    ("Ter", "Terrace"),
    ("Trl", "Trail"),
    ("Way", "Way"),
];

const DIRECTIONS: [(&str, &str); 8] = [
    ("N", "North"),
    ("S", "South"),
    ("E", "East"),
    ("W", "West"),
    ("NE", "Northeast"),
    ("NW", "Northwest"),
    ("SE", "Southeast"),
    ("SW", "Southwest"),
];

/// Parts of a building, before a number or a letter.
const ROOMS: [(&str, &str); 7] = [
    ("Apt", "Apartment"),
    ("Bldg", "Building"),
    ("Fl", "Floor"),
    ("Rm", "Room"),
    ("Ste", "Suite"),
    ("apt", "apartment"),
    ("ste", "suite"),
];

/// Words in front of the name of a street.
const LEADING: [&str; 9] = ["at", "by", "from", "near", "of", "off", "on", "onto", "to"];

/// The most words between a house's number and the kind of its street: "Martin Luther King Jr".
const LONGEST_NAME: usize = 4;

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let first = place.cursor().peek()?;
    if first.is_ascii_digit() {
        house_number(place).or_else(|| room_number(place))
    } else if first.is_ascii_alphabetic() {
        kind_of_street(place)
            .or_else(|| room(place))
            .or_else(|| state(place))
    } else {
        None
    }
}

/// "1234 N. Main St": the number, and the direction.
fn house_number(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let digits = cursor.digits();
    if digits.len() > 5 || !cursor.space() {
        return None;
    }
    let mut name = cursor;
    let mut direction = None;
    let short = name.letters();
    if let Some(long) = meaning(short, &DIRECTIONS) {
        name.take(".");
        if name.ends_word() && name.space() {
            direction = Some((long, name));
        }
    }
    let named = direction.map_or(cursor, |(_, behind)| behind);
    if !names_street(named) {
        return None;
    }
    let number = house(digits);
    Some(match direction {
        Some((long, behind)) => behind.said(format!("{number} {long} ")),
        None => cursor.said(format!("{number} ")),
    })
}

/// Whether a few names and then the kind of a street follow.
fn names_street(mut cursor: Cursor<'_>) -> bool {
    for names in 0..=LONGEST_NAME {
        let word = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-'));
        let kind = TYPES
            .iter()
            .any(|(short, long)| *short == word || *long == word)
            || word == "Street";
        if kind && names > 0 {
            return true;
        }
        let name = is_capitalised(word) || word.starts_with(|c: char| c.is_ascii_digit());
        cursor.take(".");
        if !name || !cursor.space() {
            return false;
        }
    }
    false
}

/// "Suite 1204"
fn room_number(place: Place<'_>) -> Option<Said<'_>> {
    const NAMES: [&str; 8] = [
        "apartment",
        "apt",
        "bldg",
        "building",
        "rm",
        "room",
        "ste",
        "suite",
    ];
    let previous = place.previous().to_ascii_lowercase();
    let mut cursor = place.cursor();
    let digits = cursor.digits();
    let room = is_one_of(&previous, &NAMES) && (3..=5).contains(&digits.len());
    (room && cursor.ends_number() && !cursor.goes_on_with_dash())
        .then(|| cursor.said(house(digits)))
}

/// "Main St.", "5th Ave", "12 Oak Dr"; neither "St. Mary" nor "Dr. Reyes".
fn kind_of_street(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let word = cursor.letters();
    let (short, long) = TYPES
        .iter()
        .find(|(short, long)| *short == word && short != long)?;
    let previous = place.previous();
    let named = place.last().is_some_and(char::is_whitespace)
        && !place
            .before
            .trim_end()
            .ends_with([',', '.', ':', ';', '!', '?'])
        && (is_capitalised(previous) || previous.starts_with(|c: char| c.is_ascii_digit()));
    let stopped = cursor.take(".");
    if !named || !cursor.ends_word() {
        return None;
    }
    let mut behind = cursor;
    let before_a_name = behind.space() && behind.peek().is_some_and(char::is_uppercase);
    let doubtful = matches!(*short, "St" | "Dr") && before_a_name;
    if doubtful && !has_house_number(place) && !follows_preposition(place) {
        return None;
    }
    let stop = if stopped {
        full_stop(cursor.rest())
    } else {
        ""
    };
    Some(cursor.said(format!("{long}{stop}")))
}

/// Whether a number stands before the names in front.
fn has_house_number(place: Place<'_>) -> bool {
    place
        .previous_words()
        .take(LONGEST_NAME.saturating_add(1))
        .skip(1)
        .any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

/// "on Main St. We": a name behind a preposition is the street's.
fn follows_preposition(place: Place<'_>) -> bool {
    place
        .previous_words()
        .nth(1)
        .is_some_and(|word| is_one_of(word, &LEADING))
}

/// "Apt. 4B", "Ste 200"
fn room(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let word = cursor.letters();
    let long = meaning(word, &ROOMS)?;
    cursor.take(".");
    let mut behind = cursor;
    let apart = behind.space();
    behind.take("#");
    let mut name = behind;
    let letter = name.take_one(|c| c.is_ascii_uppercase()) && name.ends_word();
    let numbered = letter || behind.peek().is_some_and(|c| c.is_ascii_digit());
    (apart && numbered).then(|| behind.said(format!("{long} ")))
}

/// "Austin, TX", "IL 62704"
fn state(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let word = cursor.letters();
    let name = meaning(word, &STATES)?;
    if !cursor.ends_word() {
        return None;
    }
    let mut behind = cursor;
    let zip = behind.space().then(|| behind.exactly(5)).flatten();
    if let Some(zip) = zip
        && behind.ends_number()
    {
        let mut words = format!("{name} {}", each_digit(zip));
        let mut ahead = behind;
        if ahead.dash()
            && let Some(more) = ahead.exactly(4)
            && ahead.ends_number()
        {
            words = format!("{words}, {}", each_digit(more));
            behind = ahead;
        }
        return Some(behind.said(words));
    }
    let city = place
        .before
        .trim_end()
        .strip_suffix(',')
        .and_then(|before| before.rsplit(char::is_whitespace).next())
        .is_some_and(|city| is_capitalised(city) && city.chars().any(char::is_lowercase));
    (city && !is_one_of(word, &WORDS_TOO)).then(|| cursor.said(name.to_owned()))
}

/// States whose short form is also a word in capitals.
const WORDS_TOO: [&str; 12] = [
    "AL", "DE", "HI", "ID", "IN", "LA", "MA", "ME", "OH", "OK", "OR", "PA",
];

const STATES: [(&str, &str); 50] = [
    ("AK", "Alaska"),
    ("AL", "Alabama"),
    ("AR", "Arkansas"),
    ("AZ", "Arizona"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("HI", "Hawaii"),
    ("IA", "Iowa"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("MA", "Massachusetts"),
    ("MD", "Maryland"),
    ("ME", "Maine"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MO", "Missouri"),
    ("MS", "Mississippi"),
    ("MT", "Montana"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("NE", "Nebraska"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NV", "Nevada"),
    ("NY", "New York"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VA", "Virginia"),
    ("VT", "Vermont"),
    ("WA", "Washington"),
    ("WI", "Wisconsin"),
    ("WV", "West Virginia"),
    ("WY", "Wyoming"),
];

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn houses_and_streets() {
        check(&[
            ("at 123 Main St.", "at one twenty-three Main Street."),
            (
                "1234 N. Oak Ave, please",
                "twelve thirty-four North Oak Avenue, please",
            ),
            ("42 W 5th St", "forty-two West fifth Street"),
            (
                "at 12 Oak Dr. Reyes lives",
                "at twelve Oak Drive. Reyes lives",
            ),
            ("on Main St. We open", "on Main Street. We open"),
            ("on Main St near", "on Main Street near"),
            ("Sunset Blvd", "Sunset Boulevard"),
            (
                "500 Martin Luther King Blvd",
                "five hundred Martin Luther King Boulevard",
            ),
            ("123 Broadway", "one hundred twenty-three Broadway"),
        ]);
    }

    #[test]
    fn names_are_no_streets() {
        check(&[
            ("St. Mary's", "Saint Mary's"),
            ("Visit St. Mary's", "Visit Saint Mary's"),
            ("with Dr. Reyes", "with Doctor Reyes"),
            ("Call Dr. Reyes", "Call Doctor Reyes"),
            ("Yes, Dr. Reyes", "Yes, Doctor Reyes"),
            ("Ave Maria", "Ave Maria"),
        ]);
    }

    #[test]
    fn rooms_states_and_codes() {
        check(&[
            ("Apt. 4B", "Apartment four B"),
            ("Ste 200", "Suite two hundred"),
            ("Suite 1204", "Suite twelve oh four"),
            ("Room 305.", "Room three oh five."),
            ("Apt. #3", "Apartment three"),
            (
                "Springfield, IL 62704",
                "Springfield, Illinois six two seven zero four",
            ),
            (
                "CA 94103-1234",
                "California nine four one zero three, one two three four",
            ),
            ("in Austin, TX.", "in Austin, Texas."),
            ("Great, OK", "Great, OK"),
            ("ZIP 94103", "ZIP nine four one zero three"),
        ]);
    }
}
