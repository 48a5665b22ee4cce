//! What the pages are told of types that are defined elsewhere, and the file that tells them all. Each description is checked against the
//! type it describes.

use std::collections::BTreeMap;

use expect_test::expect_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ts_rs::{Config, TS, TypeVisitor};

use crate::live_board::LiveEvent;
use crate::problem;

/// What `GET /api/session`, `POST /api/session` and `POST /api/setup` give.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Session {
    id: String,
    email: String,
    name: String,
    role: Role,
    /// When the session is over at the latest; null for somebody whom Cloudflare Access vouches for.
    expires_at: Option<i64>,
}

/// What somebody may do: everything, or looking.
#[derive(Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
enum Role {
    Owner,
    Viewer,
}

/// `GET /api/setup`
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Setup {
    /// Whether the first owner is still to be made.
    possible: bool,
}

/// `GET /api/users`
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Users {
    users: Vec<User>,
}

/// Somebody who has an account.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    email: String,
    name: String,
    role: Role,
    created_at: i64,
    has_password: bool,
}

/// Every answer that is an error: RFC 9457.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    /// For programs; it does not change.
    code: String,
    detail: String,
    /// What is wrong with each field of a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    errors: Option<Vec<FieldError>>,
}

/// `why` goes on from the field's name: "is missing".
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct FieldError {
    field: String,
    why: String,
}

/// What `POST /api/bookings` takes.
#[derive(TS)]
#[expect(
    dead_code,
    reason = "read field by field, to name every one that is wrong"
)]
struct NewBooking {
    /// Its id.
    service: String,
    /// `2026-11-24`
    day: String,
    /// `14:30`
    time: String,
    name: String,
    #[ts(optional)]
    phone: Option<String>,
    #[ts(optional)]
    note: Option<String>,
    /// Also when the business is closed.
    #[ts(optional)]
    outside_hours: Option<bool>,
}

/// What `PUT /api/settings` takes.
#[derive(TS)]
#[expect(
    dead_code,
    reason = "read field by field, to name every one that is wrong"
)]
struct SettingsSave {
    /// That of the settings it was made from.
    version: i64,
    business: Business,
    /// Missing: as it is. Null: for ever.
    #[ts(optional = nullable)]
    retention_days: Option<u32>,
}

/// What `PUT /api/safe-mode` takes.
#[derive(TS)]
#[expect(dead_code, reason = "read field by field")]
struct SafeModeSwitch {
    /// False takes back what an owner did, and nothing else.
    on: bool,
}

/// A business as its owner describes it.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Business {
    id: String,
    name: String,
    /// What it is, behind its name: `a dental practice`.
    kind: String,
    /// A name of the IANA database.
    zone: String,
    /// ISO 3166, two letters.
    country: String,
    /// ISO 4217.
    currency: String,
    services: Vec<Service>,
    hours: Hours,
    policies: Policies,
    agent: Agent,
    limits: Limits,
}

/// Something a caller can book.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Service {
    id: String,
    name: String,
    minutes: u16,
    /// In the currency's minor unit.
    price: i64,
}

/// When a business is open.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Hours {
    monday: Vec<Interval>,
    tuesday: Vec<Interval>,
    wednesday: Vec<Interval>,
    thursday: Vec<Interval>,
    friday: Vec<Interval>,
    saturday: Vec<Interval>,
    sunday: Vec<Interval>,
    exceptions: Vec<Exception>,
}

/// Times of day such as `09:30`; `24:00` is the midnight at which a day ends.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Interval {
    from: String,
    to: String,
}

/// A day that differs from its weekday's hours.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// `2026-12-24`
    date: String,
    /// Empty: closed all day.
    open: Vec<Interval>,
    /// Why, as callers may be told.
    reason: String,
}

/// The rules of booking.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Policies {
    lead_minutes: u32,
    horizon_days: u16,
    step_minutes: u16,
}

/// How she presents herself.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Agent {
    name: String,
    greeting: String,
    greeting_protected: bool,
    tone: String,
    notes: String,
    transfer_number: Option<String>,
}

/// What she may spend in a day of the business's calendar; null: no limit.
#[derive(Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// Of all calls together: 1 to 100000.
    minutes_a_day: Option<u32>,
    /// That the model reads and writes: 1 to 1000000000.
    tokens_a_day: Option<u32>,
}

const HEAD: &str = "// What the worker's API takes and gives. Made from its types: `UPDATE_EXPECT=1 cargo test -p edge-worker described` writes it anew.\n";

#[test]
fn the_pages_description_is_that_of_the_types() {
    let mut file = Declarations::default();
    file.visit::<super::Sites>();
    file.visit::<super::Metrics>();
    file.visit::<super::Calls>();
    file.visit::<super::CallDetail>();
    file.visit::<super::Bookings>();
    file.visit::<super::Messages>();
    file.visit::<super::Settings>();
    file.visit::<super::Calendar>();
    file.visit::<super::Erased>();
    file.visit::<LiveEvent>();
    file.visit::<Session>();
    file.visit::<Setup>();
    file.visit::<Users>();
    file.visit::<Problem>();
    file.visit::<NewBooking>();
    file.visit::<SettingsSave>();
    file.visit::<SafeModeSwitch>();
    let mut text = HEAD.to_owned();
    for declaration in file.by_name.values() {
        text.push('\n');
        text.push_str(declaration);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../www/dashboard/api.d.ts");
    expect_file![path].assert_eq(&text);
}

/// Every type that is reached, once.
#[derive(Default)]
struct Declarations {
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        let config = Config::new().with_large_int("number");
        let name = T::ident(&config);
        // What has no file of its own is written where it is used.
        if T::output_path().is_some() && !self.by_name.contains_key(&name) {
            let docs = T::docs().unwrap_or_default();
            let declaration = format!("{docs}export {}", T::decl(&config));
            let lines = declaration
                .lines()
                .map(|line| format!("{}\n", line.trim_end()));
            self.by_name.insert(name, lines.collect());
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Reads a value as its description and writes it again.
fn retold<T: DeserializeOwned + Serialize>(value: &impl Serialize) -> (Value, Value) {
    let value = serde_json::to_value(value).unwrap();
    let described: T = serde_json::from_value(value.clone()).unwrap();
    (serde_json::to_value(described).unwrap(), value)
}

#[test]
fn a_business_is_as_described() {
    let mut business = front_desk::business::Business::demo();
    business.hours.exceptions = vec![front_desk::hours::Exception {
        date: "2026-12-24".parse().unwrap(),
        open: business.hours.monday.clone(),
        reason: "Christmas Eve".to_owned(),
    }];
    let (described, value) = retold::<Business>(&business);
    assert_eq!(described, value);
}

#[test]
fn a_problem_is_as_described() {
    let errors = vec![problem::FieldError {
        field: "name".to_owned(),
        why: "is missing".to_owned(),
    }];
    for problem in [
        problem::Problem::invalid(errors),
        problem::Problem::not_found(),
    ] {
        let (described, value) = retold::<Problem>(&problem);
        assert_eq!(described, value);
    }
}

#[test]
fn a_user_is_as_described() {
    use crate::auth::{Role, user::Listed};
    for role in [Role::Owner, Role::Viewer] {
        let user = Listed {
            id: "1".to_owned(),
            email: "ann@example.com".to_owned(),
            name: "Ann".to_owned(),
            role,
            created_at: 1,
            has_password: true,
        };
        let (described, value) = retold::<User>(&user);
        assert_eq!(described, value);
    }
}

#[test]
fn words_are_as_described() {
    use crate::store::{booking::Status, record::Door};
    let words = json!([
        Door::Browser,
        Door::Phone,
        Status::Booked,
        Status::Cancelled
    ]);
    assert_eq!(words, json!(["browser", "phone", "booked", "cancelled"]));
}

#[test]
fn the_manual_lists_the_routes_there_are() {
    use crate::routes::{TABLES, table::Guard};
    let manual = include_str!("../../../../../docs/api.md");
    let mut listed: Vec<String> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(" | "))
        .filter(|(address, _)| address.contains(" /"))
        .filter_map(|(address, rest)| {
            Some(format!(
                "{} {}",
                address.trim_end_matches('`'),
                rest.split_once(" | ")?.0
            ))
        })
        .collect();
    let who = |guard| match guard {
        Guard::Account => "account",
        Guard::Open(_) | Guard::Other(_) => "anyone",
        Guard::Owner => "owner",
        Guard::Page | Guard::Viewer => "viewer",
    };
    let is_described = |path: &str| {
        path.starts_with("/api/") && path != "/api/tickets" || path.starts_with("/calendar/")
    };
    let mut routes: Vec<String> = TABLES
        .iter()
        .copied()
        .flatten()
        .filter(|route| is_described(route.path))
        .map(|route| {
            format!(
                "{} {} {}",
                route.method.as_ref(),
                route.path,
                who(route.guard)
            )
        })
        .collect();
    listed.sort();
    routes.sort();
    assert_eq!(listed, routes);
}
