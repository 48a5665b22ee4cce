//! Units behind a number. Behind "a" and before a noun, or behind a hyphen, they are singular: "a 30 min visit", "30-min visit".

use super::cursor::{Cursor, Place, Said, full_stop};
use super::number::Span;

struct Unit {
    written: &'static str,
    one: &'static str,
    many: &'static str,
}

const fn unit(written: &'static str, one: &'static str, many: &'static str) -> Unit {
    Unit { written, one, many }
}

/// Letters that stand for other things too ("m", "in", "s") are left out.
const UNITS: [Unit; 45] = [
    unit("%", "percent", "percent"),
    unit("°F", "degree Fahrenheit", "degrees Fahrenheit"),
    unit("°C", "degree Celsius", "degrees Celsius"),
    unit("°", "degree", "degrees"),
    unit("¢", "cent", "cents"),
    unit("sq ft", "square foot", "square feet"),
    unit("sq. ft", "square foot", "square feet"),
    unit("fl oz", "fluid ounce", "fluid ounces"),
    unit("cm", "centimeter", "centimeters"),
    unit("ft", "foot", "feet"),
    unit("g", "gram", "grams"),
    unit("gal", "gallon", "gallons"),
    unit("GB", "gigabyte", "gigabytes"),
    unit("h", "hour", "hours"),
    unit("hr", "hour", "hours"),
    unit("hrs", "hour", "hours"),
    unit("kg", "kilogram", "kilograms"),
    unit("km", "kilometer", "kilometers"),
    unit("L", "liter", "liters"),
    unit("lb", "pound", "pounds"),
    unit("lbs", "pound", "pounds"),
    unit("MB", "megabyte", "megabytes"),
    unit("mcg", "microgram", "micrograms"),
    unit("mg", "milligram", "milligrams"),
    unit("mi", "mile", "miles"),
    unit("min", "minute", "minutes"),
    unit("mins", "minute", "minutes"),
    unit("mL", "milliliter", "milliliters"),
    unit("ml", "milliliter", "milliliters"),
    unit("mm", "millimeter", "millimeters"),
    unit("mo", "month", "months"),
    unit("mos", "month", "months"),
    unit("mph", "mile per hour", "miles per hour"),
    unit("ms", "millisecond", "milliseconds"),
    unit("oz", "ounce", "ounces"),
    unit("qt", "quart", "quarts"),
    unit("sec", "second", "seconds"),
    unit("secs", "second", "seconds"),
    unit("USD", "US dollar", "US dollars"),
    unit("wk", "week", "weeks"),
    unit("wks", "week", "weeks"),
    unit("yd", "yard", "yards"),
    unit("yds", "yard", "yards"),
    unit("yr", "year", "years"),
    unit("yrs", "year", "years"),
];

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    if !place.rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    feet_and_inches(place).or_else(|| measured(place))
}

/// "6'2\"", "5 ft 4 in"
fn feet_and_inches(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let feet = Span::take(&mut cursor)?;
    cursor.space();
    let feet_sign = cursor.take_one(|c| matches!(c, '\'' | '’' | '′'))
        || (cursor.take("ft") && (cursor.take(".") || cursor.ends_word()));
    cursor.space();
    let inches = Span::take(&mut cursor)?;
    cursor.space();
    let inch_sign = cursor.take_one(|c| matches!(c, '"' | '”' | '″'))
        || (cursor.take("in") && cursor.ends_word());
    if !feet_sign || !inch_sign {
        return None;
    }
    let feet_name = if feet.is_one() { "foot" } else { "feet" };
    let inches_name = if inches.is_one() { "inch" } else { "inches" };
    Some(cursor.said(format!(
        "{} {feet_name} {} {inches_name}",
        feet.words(),
        inches.words()
    )))
}

fn measured(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let span = Span::take(&mut cursor)?;
    let hyphen = cursor.take("-");
    if !hyphen {
        cursor.space();
    }
    let (unit, mut cursor) = UNITS.iter().find_map(|unit| {
        let mut ahead = cursor;
        let letters = unit.written.ends_with(|c: char| c.is_ascii_alphabetic());
        (ahead.take(unit.written) && (!letters || ahead.ends_word())).then_some((unit, ahead))
    })?;
    let stopped =
        unit.written.ends_with(|c: char| c.is_ascii_lowercase()) && ends_abbreviation(&mut cursor);
    let singular = hyphen || span.is_one() || place.describes(cursor.rest());
    let name = if singular { unit.one } else { unit.many };
    let joint = if hyphen { '-' } else { ' ' };
    let stop = if stopped {
        full_stop(cursor.rest())
    } else {
        ""
    };
    Some(cursor.said(format!("{}{joint}{name}{stop}", span.words())))
}

/// Takes the full stop of an abbreviation: not a decimal point, nor the dots of an ellipsis.
fn ends_abbreviation(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    let stopped = ahead.take(".") && ahead.ends_word() && ahead.peek() != Some('.');
    if stopped {
        *cursor = ahead;
    }
    stopped
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn units_are_named() {
        check(&[
            ("10 mi away", "ten miles away"),
            ("1 mi", "one mile"),
            ("5 lb.", "five pounds."),
            ("5 lbs. of it", "five pounds of it"),
            ("30 min", "thirty minutes"),
            ("30–45 min.", "thirty to forty-five minutes."),
            ("within 24h", "within twenty-four hours"),
            ("72°F", "seventy-two degrees Fahrenheit"),
            ("-5°", "minus five degrees"),
            ("1,500 sq ft", "one thousand five hundred square feet"),
            ("15%", "fifteen percent"),
            ("10-15% off", "ten to fifteen percent off"),
            ("12.5 %", "twelve point five percent"),
            ("6'2\" tall", "six feet two inches tall"),
            ("5 ft 1 in", "five feet one inch"),
            ("500mg", "five hundred milligrams"),
            ("1 ft", "one foot"),
            ("2 meters", "two meters"),
            ("60 mph...", "sixty miles per hour..."),
        ]);
    }

    #[test]
    fn before_a_noun_they_are_singular() {
        check(&[
            ("a 30 min visit", "a thirty minute visit"),
            ("a 30-min visit", "a thirty-minute visit"),
            ("30-minute", "thirty-minute"),
            ("an 8 oz cup", "an eight ounce cup"),
        ]);
    }
}
