//! Times of day: "nine AM", "nine thirty", "two oh five PM", and from one to another.
//!
//! A time is known by its minutes or by the half of the day; "9-5" without either is a range of numbers and sounds the
//! same. The 24-hour clock is told in halves of the day, as Americans do. "AM" has no full stops, which a voice could take
//! for the end of a sentence.

use super::cursor::{Cursor, Place, Said, full_stop};
use super::words::{cardinal, value, with_oh};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

struct Clock {
    hour: u64,
    minute: Option<u64>,
    half: Option<Half>,
    /// Written with two digits though it is before ten: the 24-hour clock.
    padded: bool,
    /// The half of the day was written with full stops, and the last of them has been taken.
    stopped: bool,
}

pub(super) fn read(place: Place<'_>) -> Option<Said<'_>> {
    let mut cursor = place.cursor();
    let from = Clock::take(&mut cursor)?;
    let mut ahead = cursor;
    if ahead.joint() {
        if ahead.rest().is_empty() && from.is_certain() {
            return Some(ahead.said(format!("{} to", from.words(true))));
        }
        if let Some(to) = Clock::take(&mut ahead)
            && (from.is_certain() || to.is_certain())
            && !ahead.goes_on_with_dash()
        {
            let words = format!("{} to {}", from.words(true), to.words(true));
            return Some(end(words, &to, ahead));
        }
    }
    if !from.is_certain() {
        return None;
    }
    let names_the_hour = cursor.rest().trim_start().starts_with("o'clock");
    Some(end(from.words(names_the_hour), &from, cursor))
}

fn end<'a>(mut words: String, clock: &Clock, mut cursor: Cursor<'a>) -> Said<'a> {
    if let Some((zone, behind)) = zone(cursor) {
        words.push_str(zone);
        cursor = behind;
    } else if clock.stopped {
        words.push_str(full_stop(cursor.rest()));
    }
    cursor.said(words)
}

/// The time zone behind a time. Only there: "PT" and "MT" mean other things elsewhere.
fn zone(mut cursor: Cursor<'_>) -> Option<(&'static str, Cursor<'_>)> {
    let apart = cursor.space();
    let open = cursor.take("(");
    let name = match cursor.letters() {
        "ET" | "EST" | "EDT" => " Eastern time",
        "CT" | "CST" | "CDT" => " Central time",
        "MT" | "MST" | "MDT" => " Mountain time",
        "PT" | "PST" | "PDT" => " Pacific time",
        _ => return None,
    };
    let whole = apart && (!open || cursor.take(")")) && cursor.ends_word();
    whole.then_some((name, cursor))
}

impl Clock {
    fn take(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut ahead = *cursor;
        let digits = ahead.digits();
        let hour = value(digits);
        if !(1..=2).contains(&digits.len()) || hour > 24 {
            return None;
        }
        let mut minute = None;
        let mut after_minutes = ahead;
        let colon = after_minutes.take(":");
        if colon || after_minutes.take(".") {
            let two = after_minutes.exactly(2).map(value);
            let mut behind = after_minutes;
            // A full stop between hours and minutes looks like a price; the half of the day tells.
            if let Some(found) = two.filter(|minute| *minute < 60)
                && (colon || half(&mut behind).is_some())
            {
                minute = Some(found);
                ahead = after_minutes;
            }
        }
        let half = if (1..=12).contains(&hour) {
            half(&mut ahead)
        } else {
            None
        };
        let possible = hour < 24 || minute == Some(0);
        let clock = Self {
            hour,
            minute,
            half: half.map(|(half, _)| half),
            padded: digits.starts_with('0'),
            stopped: half.is_some_and(|(_, stopped)| stopped),
        };
        if !possible || !ahead.ends_number() {
            return None;
        }
        *cursor = ahead;
        Some(clock)
    }

    const fn is_certain(&self) -> bool {
        self.minute.is_some() || self.half.is_some()
    }

    /// `plainly`: without "o'clock", which nobody says between two times.
    fn words(&self, plainly: bool) -> String {
        if self.hour == 24 {
            return "midnight".to_owned();
        }
        let half = match self.half {
            Some(half) => Some(half),
            None if self.minute.is_none() => None,
            None if self.hour > 12 => Some(Half::Pm),
            None if self.padded => Some(Half::Am),
            None => None,
        };
        let hour = match self.hour % 12 {
            _ if self.minute.is_none() => self.hour,
            0 => 12,
            hour => hour,
        };
        let mut words = cardinal(hour);
        match self.minute {
            Some(0) if half.is_none() && !plainly => words.push_str(" o'clock"),
            None | Some(0) => {}
            Some(minute) => {
                words.push(' ');
                words.push_str(&with_oh(minute));
            }
        }
        match half {
            Some(Half::Am) => words.push_str(" AM"),
            Some(Half::Pm) => words.push_str(" PM"),
            None => {}
        }
        words
    }
}

/// Which half of the day, and whether a full stop at its end was taken.
fn half(cursor: &mut Cursor<'_>) -> Option<(Half, bool)> {
    let mut ahead = *cursor;
    ahead.space();
    let half = if ahead.take_one(|c| matches!(c, 'a' | 'A')) {
        Half::Am
    } else if ahead.take_one(|c| matches!(c, 'p' | 'P')) {
        Half::Pm
    } else {
        return None;
    };
    let dotted = ahead.take(".");
    if dotted {
        // "a. m." is how some write it.
        ahead.space();
    }
    let named = ahead.take_one(|c| matches!(c, 'm' | 'M'));
    let stopped = dotted && ahead.take(".");
    if !named || !ahead.ends_word() {
        return None;
    }
    *cursor = ahead;
    Some((half, stopped))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn times() {
        check(&[
            ("at 9am.", "at nine AM."),
            ("9 AM", "nine AM"),
            ("at 9:30 a.m. on Monday", "at nine thirty AM on Monday"),
            (
                "We open at 9 a.m. Please call.",
                "We open at nine AM. Please call.",
            ),
            ("We open at 9 a.m.", "We open at nine AM."),
            ("Is it 9 a.m.?", "Is it nine AM?"),
            ("9:05", "nine oh five"),
            ("at 9:00", "at nine o'clock"),
            ("9:00 AM", "nine AM"),
            ("12:00 PM", "twelve PM"),
            ("14:05", "two oh five PM"),
            ("09:30", "nine thirty AM"),
            ("00:15", "twelve fifteen AM"),
            ("24:00", "midnight"),
            ("9.30 am", "nine thirty AM"),
            ("9 o'clock", "nine o'clock"),
            ("9:00 o'clock", "nine o'clock"),
            ("Is 3 p.m. OK?", "Is three PM OK?"),
            ("5 p.m. Pacific", "five PM Pacific"),
            ("9 AM ET", "nine AM Eastern time"),
            ("9:30 (PST)", "nine thirty Pacific time"),
        ]);
    }

    #[test]
    fn from_one_to_another() {
        check(&[
            ("9-5", "nine to five"),
            ("9am-5pm", "nine AM to five PM"),
            ("9:00 AM – 5:00 PM", "nine AM to five PM"),
            ("9–11:30 a.m.", "nine to eleven thirty AM."),
            ("9:00-5:00", "nine to five"),
            ("14:00-16:30", "two PM to four thirty PM"),
            ("Open 9:00 AM –", "Open nine AM to"),
        ]);
    }

    #[test]
    fn other_figures_are_none() {
        check(&[
            ("a 3:1 ratio", "a three:one ratio"),
            ("25:00", "twenty-five:zero zero"),
            ("9 amps", "nine amps"),
            ("I am 9", "I am nine"),
        ]);
    }
}
