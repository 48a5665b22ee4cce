use proptest::prelude::*;

use super::*;

/// Read on Monday 2026-11-23 at 10:20 in New York.
fn on_monday(text: &str) -> String {
    shown(read(text, &new_york(), at("2026-11-23", "10:20")))
}

fn new_york() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

fn at(day: &str, time: &str) -> i64 {
    new_york()
        .instant(day.parse().unwrap(), time.parse().unwrap())
        .unwrap()
}

fn shown(when: Result<When, Unclear>) -> String {
    match when {
        Ok(When { date, time, part }) => {
            let date = date.map(|date| date.to_string());
            let time = time.map(|time| time.to_string());
            let part = part.map(|part| format!("{part:?}").to_lowercase());
            [date, time, part]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" ")
        }
        Err(unclear) => format!("{unclear:?}"),
    }
}

#[test]
fn days() {
    for (text, read) in [
        ("2026-11-24", "2026-11-24"),
        ("2026-1-5", "2026-01-05"),
        ("today", "2026-11-23"),
        ("tomorrow", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25"),
        ("yesterday", "2026-11-22"),
        ("tuesday", "2026-11-24"),
        ("this Tuesday", "2026-11-24"),
        ("next Tuesday", "2026-12-01"),
        ("Tuesday next week", "2026-12-01"),
        ("next week on tuesday", "2026-12-01"),
        ("Tuesday week", "2026-12-01"),
        ("a week on tuesday", "2026-12-01"),
        ("a week from tomorrow", "2026-12-01"),
        ("Monday", "2026-11-30"),
        ("this monday", "2026-11-23"),
        ("next Monday", "2026-11-30"),
        ("last friday", "2026-11-20"),
        ("Friday this week", "2026-11-27"),
        ("on Thursday, please", "2026-11-26"),
        ("in two weeks", "2026-12-07"),
        ("in a couple of days", "2026-11-25"),
        ("in 3 days", "2026-11-26"),
        ("in a fortnight", "2026-12-07"),
        ("in a month", "2026-12-23"),
        ("the 5th", "2026-12-05"),
        ("the twenty-fifth", "2026-11-25"),
        ("the thirty first", "2026-12-31"),
        ("the 31st", "2026-12-31"),
        ("december 3rd", "2026-12-03"),
        ("December third", "2026-12-03"),
        ("the 3rd of December", "2026-12-03"),
        ("3 Dec", "2026-12-03"),
        ("dec 3, 2027", "2027-12-03"),
        ("january twenty one", "2027-01-21"),
        ("november 23", "2026-11-23"),
        ("november 22", "2027-11-22"),
        ("february 29", "2028-02-29"),
        ("Tuesday, November 24th", "2026-11-24"),
        ("Tuesday November 24, 2026", "2026-11-24"),
        ("24/11/2026", "2026-11-24"),
        ("11/24", "2026-11-24"),
        ("12/12/26", "2026-12-12"),
        ("2026/11/24", "2026-11-24"),
        ("", ""),
        ("any time", ""),
        ("the first available", ""),
        ("as soon as possible", ""),
        ("next available", ""),
    ] {
        assert_eq!(on_monday(text), read, "{text}");
    }
}

#[test]
fn next_is_the_next_week_whatever_the_day() {
    for (today, text, read) in [
        ("2026-11-28", "next tuesday", "2026-12-01"),
        ("2026-11-29", "next tuesday", "2026-12-01"),
        ("2026-11-29", "tuesday", "2026-12-01"),
        ("2026-11-25", "next friday", "2026-12-04"),
        ("2026-11-25", "friday", "2026-11-27"),
        ("2026-11-24", "tuesday", "2026-12-01"),
        ("2026-11-24", "this tuesday", "2026-11-24"),
        ("2026-11-24", "next tuesday", "2026-12-01"),
        ("2026-11-24", "last tuesday", "2026-11-17"),
        // The 31st of a month that has none.
        ("2026-01-31", "in a month", "2026-02-28"),
        ("2026-12-31", "tomorrow", "2027-01-01"),
    ] {
        assert_eq!(
            shown(super::read(text, &new_york(), at(today, "12:00"))),
            read,
            "{text} on {today}"
        );
    }
}

#[test]
fn times() {
    for (text, read) in [
        ("15:30", "15:30"),
        ("03:30", "03:30"),
        ("3:30", "15:30"),
        ("3.30", "15:30"),
        ("09:00:00", "09:00"),
        ("3pm", "15:00"),
        ("3 p.m.", "15:00"),
        ("3:30pm", "15:30"),
        ("11 am", "11:00"),
        ("12 pm", "12:00"),
        ("12:30 am", "00:30"),
        ("15:30 pm", "15:30"),
        ("three", "15:00"),
        ("at eight", "08:00"),
        ("three o'clock", "15:00"),
        ("three thirty", "15:30"),
        ("ten forty five", "10:45"),
        ("nine oh five", "09:05"),
        ("two fifteen", "14:15"),
        ("half past three", "15:30"),
        ("half three", "15:30"),
        ("quarter to five", "16:45"),
        ("a quarter past nine", "09:15"),
        ("quarter to one", "12:45"),
        ("ten past five", "17:10"),
        ("twenty-five to six", "17:35"),
        ("5 minutes to 3", "14:55"),
        ("noon", "12:00"),
        ("12 noon", "12:00"),
        ("midnight", "00:00"),
        ("half past nine in the evening", "21:30 evening"),
        ("eight at night", "20:00 evening"),
        ("five in the morning", "05:00 morning"),
        ("three in the afternoon", "15:00 afternoon"),
        ("morning", "morning"),
    ] {
        assert_eq!(on_monday(text), read, "{text}");
    }
}

#[test]
fn both() {
    for (text, read) in [
        ("tuesday afternoon", "2026-11-24 afternoon"),
        ("tomorrow at half past three", "2026-11-24 15:30"),
        ("tomorrow morning at nine", "2026-11-24 09:00 morning"),
        ("Tonight at 8", "2026-11-23 20:00 evening"),
        ("this afternoon", "2026-11-23 afternoon"),
        ("3pm on the 5th", "2026-12-05 15:00"),
        ("december 3 at 2", "2026-12-03 14:00"),
        ("2026-11-24T15:30", "2026-11-24 15:30"),
        ("2026-11-24T15:30:00-05:00", "2026-11-24 15:30"),
        ("2026-11-24 15:30", "2026-11-24 15:30"),
        ("in an hour", "2026-11-23 11:20"),
        ("in half an hour", "2026-11-23 10:50"),
        ("in 20 minutes", "2026-11-23 10:40"),
        ("first thing tomorrow morning", "2026-11-24 morning"),
        ("early tomorrow", "2026-11-24"),
    ] {
        assert_eq!(on_monday(text), read, "{text}");
    }
}

#[test]
fn what_is_not_clear_is_refused() {
    for (text, why) in [
        ("not tuesday", "Word(\"not\")"),
        ("after three", "Word(\"after\")"),
        ("tuesday or wednesday", "Word(\"or\")"),
        ("tuesday wednesday", "TwoDays"),
        ("tomorrow the 5th", "TwoDays"),
        ("at three, at four", "TwoTimes"),
        ("wednesday november 24", "OtherWeekday(\"Tuesday\")"),
        ("next week", "NoSingleDay"),
        ("this weekend", "NoSingleDay"),
        ("in december", "NoSingleDay"),
        ("february 30", "NoSuchDay"),
        ("2026-02-30", "NoSuchDay"),
        ("2026-13-01", "NoSuchDay"),
        ("the 32nd", "NoSuchDay"),
        ("25:00", "NoSuchTime"),
        ("12:75", "NoSuchTime"),
        ("15:30 am", "NoSuchTime"),
        ("2026-11-24T15:30:00Z", "Offset"),
        ("2026-11-24T15:30:00+05:45", "Offset"),
        ("11/12/2026", "Word(\"11/12/2026\")"),
        ("easter", "Word(\"easter\")"),
        ("15", "Word(\"15\")"),
        ("'; drop table bookings", "Word(\"drop\")"),
        ("明天", "Word(\"明天\")"),
    ] {
        assert_eq!(on_monday(text), why, "{text}");
    }
    assert_eq!(on_monday(&"a ".repeat(61)), "TooLong");
    assert_eq!(on_monday(&"é".repeat(1 << 20)), "TooLong");
}

#[test]
fn a_day_and_a_time_apart() {
    let both = |date: &str, time: Option<&str>| {
        shown(read_both(
            date,
            time,
            &new_york(),
            at("2026-11-23", "10:20"),
        ))
    };
    for (date, time, read) in [
        ("tuesday", Some("15:30"), "2026-11-24 15:30"),
        ("tuesday", None, "2026-11-24"),
        ("tuesday", Some("1530"), "2026-11-24 15:30"),
        ("tuesday evening", Some("8"), "2026-11-24 20:00 evening"),
        (
            "tuesday afternoon",
            Some("03:00"),
            "2026-11-24 15:00 afternoon",
        ),
        ("tuesday at 3", Some("afternoon"), "2026-11-24 afternoon"),
        ("", Some("tomorrow at 4"), "2026-11-24 16:00"),
        ("2026-11-24", Some("2026-11-24T09:00"), "2026-11-24 09:00"),
        ("tuesday", Some("wednesday at 3"), "TwoDays"),
    ] {
        assert_eq!(both(date, time), read, "{date}, {time:?}");
    }
}

#[test]
fn today_is_the_days_of_the_zone() {
    // 03:00 UTC on the 24th: still the 23rd in New York, and 08:45 in Kathmandu.
    let now = Zone::default()
        .instant("2026-11-24".parse().unwrap(), "03:00".parse().unwrap())
        .unwrap();
    for (zone, day) in [
        ("America/New_York", "2026-11-23"),
        ("Asia/Kathmandu", "2026-11-24"),
        ("Australia/Sydney", "2026-11-24"),
    ] {
        let zone = Zone::parse(zone).unwrap();
        assert_eq!(shown(read("today", &zone, now)), day);
    }
}

fn phrase() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "an",
        "at",
        "in",
        "the",
        "of",
        "to",
        "past",
        "half",
        "quarter",
        "next",
        "this",
        "last",
        "week",
        "weeks",
        "day",
        "after",
        "tomorrow",
        "today",
        "tuesday",
        "friday",
        "december",
        "feb",
        "5th",
        "first",
        "twenty",
        "three",
        "31",
        "12",
        "3pm",
        "15:30",
        "2026-11-24",
        "2026-11-24t",
        "2026-11-24t10:00+",
        "morning",
        "evening",
        "noon",
        "couple",
        "minutes",
        "month",
        "oh",
        "0000",
        "1/1",
        "-",
        "t",
        "é",
        "99999",
    ]);
    prop::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
}

proptest! {
    /// Whatever is said, reading ends, and what comes of it exists.
    #[test]
    fn any_phrase_is_read_or_refused(text in prop_oneof![phrase(), ".{0,130}"], days in 0_i64..20_000) {
        let zone = new_york();
        let now = days * 86_400_000;
        if let Ok(when) = read_both(&text, Some(&text), &zone, now) {
            prop_assert!(when.time.is_none_or(|time| time < TimeOfDay::END_OF_DAY));
        }
    }

    /// A day without its year or month is never past, and a written one is read as it is written.
    #[test]
    fn days_said_are_to_come(days in 0_i64..20_000, day in 1_u8..=28, weekday in 0_usize..7) {
        let zone = new_york();
        let now = days * 86_400_000;
        let today = zone.today(now);
        let weekday = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][weekday];
        for text in [format!("the {day}th"), weekday.to_owned(), format!("next {weekday}"), format!("march {day}"), "in 2 weeks".to_owned()] {
            let date = read(&text, &zone, now).unwrap().date.unwrap();
            prop_assert!(date >= today, "{text} on {today}: {date}");
        }
        let date = read(&today.to_string(), &zone, now).unwrap().date;
        prop_assert_eq!(date, Some(today));
    }
}
