use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::booking::{Booking, Status, check, decide_booking};

/// Monday 2026-11-23, 10:20 at the demonstration's practice.
fn now() -> i64 {
    let zone = Business::demo().zone;
    zone.instant("2026-11-23".parse().unwrap(), "10:20".parse().unwrap())
        .unwrap()
}

fn read(name: &str, given: &Value) -> Result<Tool, ArgumentError> {
    parse(&Business::demo(), now(), name, &given.to_string())
}

/// Values that mean something for every argument there is.
fn sample(argument: &str) -> Value {
    match argument {
        "service" => "cleaning",
        "date" | "current" => "tomorrow",
        "time" => "15:30",
        "name" => "Ada Lovelace",
        "phone" => "(202) 555-0143",
        "text" => "Please call me back.",
        _ => panic!("no sample of {argument}"),
    }
    .into()
}

fn properties(definition: &Definition) -> Vec<String> {
    definition.parameters["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

fn required(definition: &Definition) -> Vec<String> {
    let names = definition.parameters["required"].as_array().unwrap();
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_schema_says_what_is_read() {
    for definition in definitions(&Business::demo()) {
        let all: Map<String, Value> = properties(&definition)
            .iter()
            .map(|name| (name.clone(), sample(name)))
            .collect();
        let name = definition.name;
        assert_eq!(read(name, &all.clone().into()).unwrap().name(), name);
        assert_eq!(definition.parameters["additionalProperties"], false);
        for argument in properties(&definition) {
            let mut some = all.clone();
            some.remove(&argument);
            let without = read(name, &some.clone().into());
            if required(&definition).contains(&argument) {
                assert_eq!(without.unwrap_err().field, argument, "{name}");
            } else {
                assert!(without.is_ok(), "{name} {argument}");
                some.insert(argument.clone(), Value::Null);
                assert!(
                    read(name, &some.clone().into()).is_ok(),
                    "{name} {argument}"
                );
                some.insert(argument.clone(), " ".into());
                assert!(read(name, &some.into()).is_ok(), "{name} {argument}");
            }
            let schema = &definition.parameters["properties"][&argument];
            for value in [json!(true), json!({}), json!(["x"])] {
                let mut some = all.clone();
                some.insert(argument.clone(), value);
                assert_eq!(
                    read(name, &some.into()).unwrap_err().field,
                    argument,
                    "{name}"
                );
            }
            if let Some(most) = schema["maxLength"].as_u64() {
                let mut some = all.clone();
                some.insert(
                    argument.clone(),
                    "x".repeat(usize::try_from(most).unwrap() + 1).into(),
                );
                assert_eq!(
                    read(name, &some.into()).unwrap_err().field,
                    argument,
                    "{name}"
                );
            } else {
                assert_eq!(schema["enum"], json!(["check-up", "cleaning", "whitening"]));
            }
        }
        let mut some = all;
        some.insert("discount".to_owned(), "100%".into());
        assert_eq!(
            read(name, &some.into()).unwrap_err().to_string(),
            "discount is not an argument of this tool"
        );
    }
}

#[test]
fn one_of_the_schemas() {
    let definitions = definitions(&Business::demo());
    let shown = serde_json::to_string_pretty(&definitions[1].parameters).unwrap();
    expect![[r#"
        {
          "additionalProperties": false,
          "properties": {
            "date": {
              "description": "The day: YYYY-MM-DD, or as the caller said it.",
              "maxLength": 120,
              "type": "string"
            },
            "name": {
              "description": "The caller's name.",
              "maxLength": 80,
              "type": "string"
            },
            "phone": {
              "description": "The caller's telephone number, if it was given.",
              "maxLength": 48,
              "type": "string"
            },
            "service": {
              "description": "Which service.",
              "enum": [
                "check-up",
                "cleaning",
                "whitening"
              ],
              "type": "string"
            },
            "time": {
              "description": "The time it begins: HH:MM.",
              "maxLength": 120,
              "type": "string"
            }
          },
          "required": [
            "service",
            "date",
            "time",
            "name"
          ],
          "type": "object"
        }"#]]
    .assert_eq(&shown);
    let names: Vec<&str> = definitions
        .iter()
        .map(|definition| definition.name)
        .collect();
    assert_eq!(
        names,
        [
            "check_availability",
            "book_appointment",
            "reschedule_appointment",
            "cancel_appointment",
            "take_message"
        ]
    );
    let closed = Business {
        services: Vec::new(),
        ..Business::demo()
    };
    assert_eq!(super::definitions(&closed).len(), 1);
}

#[test]
fn what_a_model_writes_is_understood() {
    let tuesday: Date = "2026-11-24".parse().unwrap();
    let booked = Tool::BookAppointment(Request {
        service: "check-up".to_owned(),
        date: tuesday,
        time: "15:30".parse().unwrap(),
        name: Name::parse("Ada Lovelace").unwrap(),
        phone: Some(Phone::parse("+12025550143", "US").unwrap()),
    });
    for given in [
        json!({ "service": "check-up", "date": "2026-11-24", "time": "15:30", "name": "Ada Lovelace", "phone": "+12025550143" }),
        json!({ "service": "Checkups", "date": "tomorrow", "time": "half past three", "name": " Ada\nLovelace", "phone": 2_025_550_143_u64 }),
        json!({ "Service": "a check-up", "DATE": "Tuesday at 3:30", "time": 1530, "name": "Ada Lovelace\u{202e}", "phone": "202-555-0143" }),
    ] {
        assert_eq!(
            read("book_appointment", &given),
            Ok(booked.clone()),
            "{given}"
        );
    }
    let twice =
        json!(json!({ "service": "cleaning", "date": null, "time": "Morning" }).to_string());
    assert_eq!(
        read("check_availability", &twice),
        Ok(Tool::CheckAvailability(Question {
            service: "cleaning".to_owned(),
            date: None,
            wanted: Some(Wanted::Part(crate::when::PartOfDay::Morning)),
        }))
    );
    let moved = read(
        "reschedule_appointment",
        &json!({ "name": "Ada", "current": "tuesday", "time": "4pm" }),
    )
    .unwrap();
    let Tool::RescheduleAppointment(moved) = moved else {
        panic!("another tool")
    };
    assert_eq!(
        (
            moved.claim.current.date,
            moved.date,
            moved.time.to_string().as_str()
        ),
        (Some(tuesday), None, "16:00")
    );
    let message = read(
        "take_message",
        &json!({ "text": "=1+1 <b>", "name": "caller" }),
    )
    .unwrap();
    let Tool::TakeMessage(message) = message else {
        panic!("another tool")
    };
    assert_eq!((message.text.as_str(), message.name), ("=1+1 <b>", None));
}

#[test]
fn what_cannot_be_meant_is_refused_by_its_field() {
    let good = json!({ "service": "cleaning", "date": "tomorrow", "time": "15:30", "name": "Ada" });
    for (field, value, why) in [
        (
            "service",
            json!("haircut"),
            "must be one of: check-up, cleaning or whitening",
        ),
        (
            "date",
            json!("next week"),
            "it does not name one day of that week or month; ask which",
        ),
        ("date", json!("2026-02-30"), "there is no such day"),
        ("date", json!("any day"), "names no day; ask the caller"),
        ("time", json!("25:00"), "there is no such time"),
        (
            "time",
            json!("afternoon"),
            "names no time; offer some with check_availability",
        ),
        ("name", json!("user"), "is missing; ask the caller"),
        ("name", json!("12"), "is missing; ask the caller"),
        (
            "name",
            json!("x".repeat(81)),
            "must have at most 80 characters",
        ),
        (
            "phone",
            json!("call me"),
            "must be a telephone number of 4 to 15 digits; ask the caller for it",
        ),
    ] {
        let mut given = good.clone();
        given[field] = value;
        let error = read("book_appointment", &given).unwrap_err();
        assert_eq!((error.field.as_str(), error.why.as_str()), (field, why));
    }
    for (name, json, field) in [
        ("drop_tables", "{}", "tool"),
        ("book_appointment", "", "service"),
        ("book_appointment", "[]", "arguments"),
        ("book_appointment", "{\"service\":", "arguments"),
        ("book_appointment", "\"\\\"x\\\"\"", "arguments"),
    ] {
        assert_eq!(
            parse(&Business::demo(), 0, name, json).unwrap_err().field,
            field,
            "{json}"
        );
    }
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(
        parse(&Business::demo(), 0, "take_message", &long)
            .unwrap_err()
            .field,
        "arguments"
    );
    let deep = "[".repeat(10_000);
    assert_eq!(
        parse(&Business::demo(), 0, "take_message", &deep)
            .unwrap_err()
            .field,
        "arguments"
    );
}

#[test]
fn outcomes_are_short() {
    let business = Business::demo();
    let day: Date = "2026-11-24".parse().unwrap();
    let at = |time: &str| business.zone.instant(day, time.parse().unwrap()).unwrap();
    let json = |date: &str, wanted| {
        let found = check(
            &business,
            "cleaning",
            Some(date.parse().unwrap()),
            wanted,
            &[],
            now(),
        );
        Outcome::availability(&business, &found).to_json()
    };
    let request = |time: &str| Request {
        service: "cleaning".to_owned(),
        date: day,
        time: time.parse().unwrap(),
        name: Name::parse("Ada Lovelace").unwrap(),
        phone: None,
    };
    let refused = decide_booking(
        &business,
        &request("10:00"),
        &[(at("09:00"), at("12:00"))],
        now(),
    )
    .unwrap_err();
    let new = decide_booking(&business, &request("15:30"), &[], now()).unwrap();
    let booking = Booking {
        id: "b7".to_owned(),
        service: new.service,
        service_name: new.service_name,
        price: new.price,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        name: new.name,
        phone: None,
        status: Status::Booked,
        created_at: 0,
        changed_at: 0,
        sequence: 0,
    };
    let outcomes = [
        json("2026-11-24", None),
        json("2026-11-24", Some(Wanted::Time("19:00".parse().unwrap()))),
        json("2026-11-28", None),
        json("2026-11-20", None),
        Outcome::booked(&business, &booking).to_json(),
        Outcome::moved(&business, &booking).to_json(),
        Outcome::cancelled(&business, &booking).to_json(),
        Outcome::refused(&business, &refused).to_json(),
        Outcome::bad_argument(&ArgumentError::new("name", "is missing; ask the caller")).to_json(),
        Outcome::message_taken().to_json(),
        Outcome::failed().to_json(),
    ];
    expect![[r#"
        {"ok":true,"service":"cleaning","date":"2026-11-24","slots":["09:00","12:00","14:00"],"say":"Free on Tuesday, November 24."}
        {"ok":true,"service":"cleaning","date":"2026-11-24","slots":["15:15","15:45","16:15"],"say":"Not free then. These are the nearest on Tuesday, November 24."}
        {"ok":true,"why":"closed_day","slots":[],"next":{"date":"2026-11-30","slots":["09:00","12:00","14:00"]},"say":"Closed on Saturday, November 28."}
        {"ok":false,"why":"past","next":{"date":"2026-11-23","slots":["12:00","14:00","15:00"]},"say":"That is in the past."}
        {"ok":true,"booking":"b7","service":"cleaning","date":"2026-11-24","say":"Booked: cleaning on Tuesday, November 24 at 3:30 pm for Ada Lovelace."}
        {"ok":true,"booking":"b7","service":"cleaning","date":"2026-11-24","say":"Moved: cleaning on Tuesday, November 24 at 3:30 pm for Ada Lovelace."}
        {"ok":true,"booking":"b7","service":"cleaning","date":"2026-11-24","say":"Cancelled: cleaning on Tuesday, November 24 at 3:30 pm for Ada Lovelace."}
        {"ok":false,"why":"taken","next":{"date":"2026-11-24","slots":["12:00","12:30","13:00"]},"say":"That time is taken."}
        {"ok":false,"why":"argument","field":"name","say":"name is missing; ask the caller"}
        {"ok":true,"say":"The message is passed on."}
        {"ok":false,"why":"failed","say":"It did not work. Say so, and offer to take a message."}"#]].assert_eq(&outcomes.join("\n"));
}

proptest! {
    /// Whatever a model writes, reading ends, and what was read is bounded.
    #[test]
    fn any_json_is_read_or_refused(
        name in prop::sample::select(vec!["check_availability", "book_appointment", "reschedule_appointment", "cancel_appointment", "take_message"]),
        values in prop::collection::btree_map(
            prop::sample::select(vec!["service", "date", "time", "name", "phone", "text", "current", "x"]),
            prop_oneof![
                Just(Value::Null),
                any::<i64>().prop_map(Value::from),
                any::<f64>().prop_map(|number| json!(number)),
                any::<String>().prop_map(Value::from),
                prop::sample::select(vec!["cleaning", "tomorrow", "15:30", "Ada", "2025550143"]).prop_map(Value::from),
            ],
            0..6,
        ),
    ) {
        match read(name, &json!(values)) {
            Ok(Tool::TakeMessage(message)) => prop_assert!(message.text.as_str().chars().count() <= 1000),
            Ok(Tool::BookAppointment(request)) => prop_assert!(Business::demo().service(&request.service).is_some()),
            Ok(_) => {}
            Err(error) => prop_assert!(error.to_string().len() < 700, "{error}"),
        }
    }
}
