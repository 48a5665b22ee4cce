use super::*;
use crate::hours::{Exception, Interval};

/// Seen from Monday 2026-11-23, 10:20.
struct Desk {
    business: Business,
    now: i64,
}

impl Desk {
    fn new() -> Self {
        let mut business = Business::demo();
        business.hours.exceptions = vec![Exception {
            date: "2026-11-26".parse().unwrap(),
            open: Vec::new(),
            reason: "Thanksgiving".to_owned(),
        }];
        let now = business
            .zone
            .instant("2026-11-23".parse().unwrap(), "10:20".parse().unwrap())
            .unwrap();
        Self { business, now }
    }

    fn at(&self, moment: &str) -> i64 {
        let (day, time) = moment.split_once(' ').unwrap();
        self.business
            .zone
            .instant(day.parse().unwrap(), time.parse().unwrap())
            .unwrap()
    }

    fn request(&self, service: &str, moment: &str) -> Request {
        let (day, time) = moment.split_once(' ').unwrap();
        Request {
            service: service.to_owned(),
            date: day.parse().unwrap(),
            time: time.parse().unwrap(),
            name: Name::parse("Ada Lovelace").unwrap(),
            phone: None,
        }
    }

    fn shown(&self, refusal: &Refusal) -> (Reason, String, String) {
        let times: Vec<String> = refusal
            .slots
            .iter()
            .map(|slot| self.business.zone.local(*slot).1.to_string())
            .collect();
        let day = refusal
            .date
            .map(|date| date.to_string())
            .unwrap_or_default();
        (
            refusal.reason,
            refusal.say.clone(),
            format!("{day} {}", times.join(" ")),
        )
    }
}

#[test]
fn an_appointment_is_made() {
    let desk = Desk::new();
    let request = desk.request("cleaning", "2026-11-24 15:30");
    let booking = decide_booking(&desk.business, &request, &[], desk.now).unwrap();
    assert_eq!(
        (booking.starts_at, booking.ends_at),
        (desk.at("2026-11-24 15:30"), desk.at("2026-11-24 16:15"))
    );
    assert_eq!(
        (booking.price, booking.service_name.as_str()),
        (9_000, "cleaning")
    );
    // Beside its neighbours.
    let busy = [
        (desk.at("2026-11-24 15:00"), desk.at("2026-11-24 15:30")),
        (desk.at("2026-11-24 16:15"), desk.at("2026-11-24 17:00")),
    ];
    assert_eq!(
        decide_booking(&desk.business, &request, &busy, desk.now),
        Ok(booking)
    );
}

#[test]
fn each_refusal_has_its_reason_and_what_could_be_instead() {
    let desk = Desk::new();
    let busy = [(desk.at("2026-11-24 15:00"), desk.at("2026-11-24 16:00"))];
    for (moment, reason, say, slots) in [
        (
            "2026-11-20 10:00",
            Reason::Past,
            "That is in the past.",
            "2026-11-23 11:30 12:00 12:30",
        ),
        (
            "2026-11-23 09:00",
            Reason::Past,
            "That is in the past.",
            "2026-11-23 11:30 12:00 12:30",
        ),
        (
            "2026-11-23 11:00",
            Reason::TooSoon,
            "It has to be at least one hour from now.",
            "2026-11-23 11:30 12:00 12:30",
        ),
        (
            "2027-03-01 10:00",
            Reason::TooFar,
            "Bookings are taken until Sunday, February 21 only.",
            " ",
        ),
        (
            "2026-11-28 10:00",
            Reason::ClosedDay,
            "Closed on Saturday, November 28.",
            "2026-11-30 09:30 10:00 10:30",
        ),
        (
            "2026-11-26 10:00",
            Reason::ClosedDay,
            "Closed on Thursday, November 26: Thanksgiving.",
            "2026-11-27 09:30 10:00 10:30",
        ),
        (
            "2026-11-24 16:45",
            Reason::ClosedHour,
            "Open from nine to five on Tuesday, November 24, and a check-up takes 30 minutes.",
            "2026-11-24 14:30 16:00 16:30",
        ),
        (
            "2026-11-24 20:00",
            Reason::ClosedHour,
            "Open from nine to five on Tuesday, November 24, and a check-up takes 30 minutes.",
            "2026-11-24 14:30 16:00 16:30",
        ),
        (
            "2026-11-24 15:30",
            Reason::Taken,
            "That time is taken.",
            "2026-11-24 14:30 16:00 16:30",
        ),
        (
            "2026-11-24 10:10",
            Reason::OffGrid,
            "Appointments begin every 15 minutes.",
            "2026-11-24 09:45 10:15 10:45",
        ),
    ] {
        let request = desk.request("check-up", moment);
        let refusal = decide_booking(&desk.business, &request, &busy, desk.now).unwrap_err();
        assert_eq!(
            desk.shown(&refusal),
            (reason, say.to_owned(), slots.to_owned()),
            "{moment}"
        );
    }
    let refusal = decide_booking(
        &desk.business,
        &desk.request("haircut", "2026-11-24 10:00"),
        &[],
        desk.now,
    )
    .unwrap_err();
    assert_eq!(
        desk.shown(&refusal),
        (
            Reason::NoService,
            "That is not offered. There is check-up, cleaning and whitening.".to_owned(),
            " ".to_owned()
        )
    );
}

#[test]
fn a_time_that_the_clocks_jump_over() {
    let mut desk = Desk::new();
    desk.business.hours.sunday = vec![Interval {
        from: "00:00".parse().unwrap(),
        to: "06:00".parse().unwrap(),
    }];
    desk.now = desk.at("2026-03-02 10:00");
    let refusal = decide_booking(
        &desk.business,
        &desk.request("check-up", "2026-03-08 02:30"),
        &[],
        desk.now,
    )
    .unwrap_err();
    assert_eq!(
        desk.shown(&refusal),
        (
            Reason::NoSuchTime,
            "The clocks change then; there is no such time.".to_owned(),
            "2026-03-08 01:30 03:00 03:30".to_owned()
        )
    );
}

#[test]
fn the_second_of_two_is_told_and_offered_another() {
    let desk = Desk::new();
    let request = desk.request("cleaning", "2026-11-24 10:00");
    let first = decide_booking(&desk.business, &request, &[], desk.now).unwrap();
    let busy = [(first.starts_at, first.ends_at)];
    let refusal = taken(
        &desk.business,
        "cleaning",
        request.date,
        request.time,
        &busy,
        desk.now,
    );
    assert_eq!(
        decide_booking(&desk.business, &request, &busy, desk.now),
        Err(refusal.clone())
    );
    assert_eq!(desk.shown(&refusal).2, "2026-11-24 09:15 10:45 11:15");
}

#[test]
fn a_booking_may_be_moved_over_its_own_time() {
    let desk = Desk::new();
    let new = decide_booking(
        &desk.business,
        &desk.request("cleaning", "2026-11-24 10:00"),
        &[],
        desk.now,
    )
    .unwrap();
    let booking = Booking {
        id: "b".to_owned(),
        service: new.service,
        service_name: new.service_name,
        price: new.price,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        name: new.name,
        phone: None,
        status: Status::Booked,
        created_at: desk.now,
        changed_at: desk.now,
        sequence: 0,
    };
    let other = (desk.at("2026-11-24 11:00"), desk.at("2026-11-24 12:00"));
    let busy = [(new.starts_at, new.ends_at), other];
    let to = |date: Option<&str>, time: &str| {
        let date = date.map(|date| date.parse().unwrap());
        decide_move(
            &desk.business,
            &booking,
            date,
            time.parse().unwrap(),
            &busy,
            desk.now,
        )
        .map_err(|refusal| refusal.reason)
    };
    assert_eq!(
        to(None, "10:15"),
        Ok((desk.at("2026-11-24 10:15"), desk.at("2026-11-24 11:00")))
    );
    assert_eq!(to(None, "10:30"), Err(Reason::Taken));
    assert_eq!(
        to(Some("2026-11-25"), "11:00"),
        Ok((desk.at("2026-11-25 11:00"), desk.at("2026-11-25 11:45")))
    );
    assert_eq!(to(Some("2026-11-28"), "11:00"), Err(Reason::ClosedDay));
}

#[test]
fn what_is_free_is_said_for_what_was_asked() {
    let desk = Desk::new();
    let busy = [(desk.at("2026-11-24 15:00"), desk.at("2026-11-24 17:00"))];
    let asked = |date: Option<&str>, wanted: Option<Wanted>| {
        let date = date.map(|date| date.parse().unwrap());
        let free = check(&desk.business, "cleaning", date, wanted, &busy, desk.now)?;
        let times: Vec<String> = free
            .slots
            .iter()
            .map(|slot| desk.business.zone.local(*slot).1.to_string())
            .collect();
        Ok((free.date.to_string(), times.join(" "), free.as_wanted))
    };
    let time = |time: &str| Some(Wanted::Time(time.parse().unwrap()));
    let is = |day: &str, times: &str, as_wanted| {
        Ok::<_, Refusal>((day.to_owned(), times.to_owned(), as_wanted))
    };
    assert_eq!(
        asked(Some("2026-11-24"), None),
        is("2026-11-24", "09:00 11:00 13:00", true)
    );
    assert_eq!(
        asked(Some("2026-11-24"), time("14:00")),
        is("2026-11-24", "14:00", true)
    );
    assert_eq!(
        asked(Some("2026-11-24"), time("15:30")),
        is("2026-11-24", "13:15 13:45 14:15", false)
    );
    assert_eq!(
        asked(
            Some("2026-11-24"),
            Some(Wanted::Part(crate::when::PartOfDay::Evening))
        ),
        is("2026-11-24", "13:15 13:45 14:15", false)
    );
    assert_eq!(
        asked(None, None),
        is("2026-11-23", "12:00 14:00 15:00", true)
    );
    let closed = asked(Some("2026-11-28"), None).unwrap_err();
    assert_eq!(
        (closed.reason, closed.date.map(|day| day.to_string())),
        (Reason::ClosedDay, Some("2026-11-30".to_owned()))
    );
    assert_eq!(
        asked(Some("2026-11-20"), None).unwrap_err().reason,
        Reason::Past
    );
    assert_eq!(
        asked(Some("2027-11-20"), None).unwrap_err().reason,
        Reason::TooFar
    );
}

#[test]
fn the_instants_to_look_at_cover_the_alternatives() {
    let desk = Desk::new();
    let (from, to) = span(
        &desk.business,
        Some("2020-01-01".parse().unwrap()),
        desk.now,
    );
    assert_eq!(
        (from, to),
        (desk.at("2026-11-23 00:00"), desk.at("2026-12-01 00:00"))
    );
    let (from, to) = span(
        &desk.business,
        Some("2030-01-01".parse().unwrap()),
        desk.now,
    );
    assert!(from <= desk.at("2027-02-21 00:00") && to > desk.at("2027-02-22 00:00"));
}
