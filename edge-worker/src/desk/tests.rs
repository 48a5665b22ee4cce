use serde_json::{Value, json};

use super::*;
use crate::store::sqlite::{NOW, Sqlite, now};

/// A caller of the demonstration's practice, on a Monday.
struct Caller<'a> {
    db: &'a Sqlite,
    business: Business,
    call: &'a str,
    number: Option<&'a str>,
    turn: u32,
}

impl<'a> Caller<'a> {
    fn new(db: &'a Sqlite, call: &'a str, number: Option<&'a str>) -> Self {
        Self {
            db,
            business: Business::demo(),
            call,
            number,
            turn: 1,
        }
    }

    /// What the model is told, in a turn of its own.
    fn asks(&mut self, name: &str, arguments: &Value) -> Value {
        self.turn += 1;
        let errand = Errand {
            business: &self.business,
            call: self.call,
            turn: self.turn,
            caller: self.number,
            id: &format!("{}-{}", self.call, self.turn),
            now: NOW,
        };
        let call = Call {
            id: "c".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        };
        let outcome = now(serve(self.db, &errand, &call)).unwrap();
        serde_json::from_str(&outcome.to_json()).unwrap()
    }

    fn books(&mut self, name: &str, time: &str) -> Value {
        let wish = json!({ "service": "cleaning", "date": "tomorrow", "time": time, "name": name });
        self.asks("book_appointment", &wish)
    }
}

fn booked(db: &Sqlite) -> i64 {
    db.number("SELECT count(*) FROM bookings WHERE status = 'booked'")
}

#[test]
fn a_second_caller_is_offered_another_time_and_a_third_cancels_by_telephone() {
    let db = Sqlite::with_practice();
    let mut first = Caller::new(&db, "one", Some("+12025550143"));
    let question = json!({ "service": "cleaning", "date": "tomorrow", "time": "morning" });
    let free = first.asks("check_availability", &question);
    assert_eq!(free["ok"], true);
    assert!(
        free["slots"]
            .as_array()
            .is_some_and(|slots| !slots.is_empty() && slots.len() <= 3)
    );
    assert_eq!(first.books("Ada Lovelace", "10:00")["ok"], true);

    let mut second = Caller::new(&db, "two", Some("+12025550199"));
    let refused = second.books("Grace Hopper", "10:00");
    assert_eq!(
        (&refused["ok"], &refused["why"]),
        (&json!(false), &json!("taken"))
    );
    let other = refused["next"]["slots"][0].as_str().unwrap().to_owned();
    assert_eq!(second.books("Grace Hopper", &other)["ok"], true);
    assert_eq!(booked(&db), 2);

    let claim = json!({ "name": "Lovelace" });
    let mut stranger = Caller::new(&db, "three", Some("+12025550100"));
    assert_eq!(
        stranger.asks("cancel_appointment", &claim)["why"],
        "not_found"
    );
    let mut hidden = Caller::new(&db, "four", None);
    assert_eq!(
        hidden.asks("cancel_appointment", &claim)["why"],
        "phone_missing"
    );
    let mut again = Caller::new(&db, "five", Some("+12025550143"));
    assert_eq!(again.asks("cancel_appointment", &claim)["ok"], true);
    assert_eq!(booked(&db), 1);
    assert_eq!(
        second.books("Grace Hopper", "10:00")["ok"],
        true,
        "the time is free again"
    );
}

#[test]
fn an_appointment_is_moved_by_whom_it_belongs_to_and_not_over_another() {
    let db = Sqlite::with_practice();
    let mut ada = Caller::new(&db, "one", Some("+12025550143"));
    ada.books("Ada Lovelace", "10:00");
    Caller::new(&db, "two", Some("+12025550199")).books("Grace Hopper", "11:00");
    let to = |time: &str| json!({ "name": "Ada Lovelace", "time": time });
    assert_eq!(
        ada.asks("reschedule_appointment", &to("11:00"))["why"],
        "taken"
    );
    let moved = ada.asks("reschedule_appointment", &to("14:00"));
    assert_eq!(moved["ok"], true);
    assert!(moved["say"].as_str().unwrap().contains("2 pm"), "{moved}");
    assert_eq!(
        ada.asks("reschedule_appointment", &to("10:15"))["ok"],
        true,
        "over its own first time"
    );
}

#[test]
fn what_is_asked_for_again_is_done_once() {
    let db = Sqlite::with_practice();
    let mut ada = Caller::new(&db, "one", Some("+12025550143"));
    let first = ada.books("Ada Lovelace", "10:00");
    let again = ada.books("Ada Lovelace", "10:00");
    assert_eq!(first, again);
    // The same request of the same turn, whatever it is called.
    ada.turn -= 2;
    assert_eq!(ada.books("Ada Lovelace", "10:00"), first);
    assert_eq!(booked(&db), 1);
    // Somebody else of the same call wants the same time.
    assert_eq!(ada.books("Charles Babbage", "10:00")["why"], "taken");
    let note = json!({ "text": "Please call me back.", "name": "Ada" });
    assert_eq!(ada.asks("take_message", &note)["ok"], true);
    ada.turn -= 1;
    assert_eq!(ada.asks("take_message", &note)["ok"], true);
    // In another turn, too. Another message of the same turn is another.
    assert_eq!(ada.asks("take_message", &note)["ok"], true);
    assert_eq!(db.number("SELECT count(*) FROM messages"), 1);
    let other = json!({ "text": "And bring my keys.", "name": "Ada" });
    ada.turn -= 1;
    assert_eq!(ada.asks("take_message", &other)["ok"], true);
    assert_eq!(db.number("SELECT count(*) FROM messages"), 2);
}

#[test]
fn nonsense_is_told_to_the_model_and_changes_nothing() {
    let db = Sqlite::with_practice();
    let mut caller = Caller::new(&db, "one", None);
    for (name, arguments, field) in [
        ("sing", json!({}), "tool"),
        ("book_appointment", json!("no object"), "arguments"),
        ("book_appointment", json!({ "service": "cleaning" }), "date"),
        (
            "book_appointment",
            json!({ "service": "haircut", "date": "tomorrow", "time": "10:00", "name": "Ada" }),
            "service",
        ),
        (
            "book_appointment",
            json!({ "service": "cleaning", "date": "the day after never", "time": "10:00", "name": "Ada" }),
            "date",
        ),
        (
            "book_appointment",
            json!({ "service": "cleaning", "date": "tomorrow", "time": "10:00", "name": "A".repeat(1_000_000) }),
            "arguments",
        ),
        (
            "book_appointment",
            json!({ "service": "cleaning", "date": "tomorrow", "time": "10:00", "name": "A".repeat(200) }),
            "name",
        ),
        ("take_message", json!({ "text": "" }), "text"),
    ] {
        let told = caller.asks(name, &arguments);
        assert_eq!(
            (&told["why"], &told["field"]),
            (&json!("argument"), &json!(field)),
            "{name}"
        );
        assert!(told.to_string().len() < 500, "{told}");
    }
    for (date, time, why) in [
        ("2020-01-08", "10:00", "past"),
        ("2099-01-08", "10:00", "too_far"),
        ("saturday", "10:00", "closed_day"),
        ("tomorrow", "23:00", "closed_hour"),
        ("tomorrow", "10:07", "off_grid"),
    ] {
        let wish = json!({ "service": "cleaning", "date": date, "time": time, "name": "Ada" });
        assert_eq!(
            caller.asks("book_appointment", &wish)["why"],
            why,
            "{date} {time}"
        );
    }
    assert_eq!(db.number("SELECT count(*) FROM bookings"), 0);
    assert_eq!(db.number("SELECT count(*) FROM messages"), 0);
}

#[test]
fn each_tool_is_offered_with_a_schema_that_is_json() {
    let offers = offers(&Business::demo());
    assert!(offers.iter().any(|offer| offer.name == "book_appointment"));
    for offer in offers {
        let schema: Value = serde_json::from_str(&offer.parameters).unwrap();
        assert_eq!(schema["type"], "object", "{}", offer.name);
    }
}
