//! A business as a form sends it. What cannot be read is named field by field, beside what the business itself cannot accept.

use front_desk::business::{Agent, Business, Currency, Fault, Limits, Policies, Service};
use front_desk::hours::{Exception, Hours, Interval, TimeOfDay};
use front_desk::period;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The business that a form describes, checked. `id` is whose form it is.
pub(super) fn read(given: Map<String, Value>, id: &str) -> Result<Business, Vec<Fault>> {
    let mut form = Form::default();
    let business = form.business(given);
    if business.id != id && !form.knows("id") {
        form.refuse("id", "cannot be changed");
    }
    match business.checked() {
        Ok(business) if form.faults.is_empty() => Ok(business),
        Ok(_) => Err(form.faults),
        Err(more) => {
            let Form { mut faults, unsure } = form;
            faults.extend(
                more.into_iter()
                    .filter(|fault| !unsure.iter().any(|known| is_within(&fault.field, known))),
            );
            Err(faults)
        }
    }
}

#[derive(Default)]
struct Form {
    faults: Vec<Fault>,
    /// Fields for which something else stands in, so that what is said about them is not about the form.
    unsure: Vec<String>,
}

const TEXT: &str = "must be text";
const NUMBER: &str = "must be a whole number";

/// Longer lists than any that is accepted. Not each of their faults is worth an answer.
const LIST: usize = 500;

type Object = Map<String, Value>;

impl Form {
    fn business(&mut self, mut given: Object) -> Business {
        let given = &mut given;
        let demo = Business::demo();
        let business = Business {
            id: self.text(given, "", "id"),
            name: self.text(given, "", "name"),
            kind: self.optional(given, "", "kind", TEXT).unwrap_or_default(),
            zone: self
                .required(
                    given,
                    "",
                    "zone",
                    "must be a time zone such as America/New_York",
                )
                .unwrap_or_default(),
            country: self
                .required(given, "", "country", TEXT)
                .unwrap_or(demo.country),
            currency: self
                .required(
                    given,
                    "",
                    "currency",
                    "must be a currency's code such as USD",
                )
                .unwrap_or(Currency::USD),
            services: self.list(given, "", "services", true, Self::service),
            hours: self.hours(given),
            policies: self.policies(given),
            agent: self.agent(given),
            limits: self.limits(given),
        };
        self.no_more(given, "");
        business
    }

    fn service(&mut self, path: &str, mut given: Object) -> Service {
        let given = &mut given;
        let service = Service {
            id: self.text(given, path, "id"),
            name: self.text(given, path, "name"),
            minutes: self.number(given, path, "minutes"),
            price: self
                .required(given, path, "price", NUMBER)
                .unwrap_or_default(),
        };
        self.no_more(given, path);
        service
    }

    fn hours(&mut self, given: &mut Object) -> Hours {
        let path = "hours";
        let given = &mut self.object(given, "", path);
        let mut day = |name: &str| self.list(given, path, name, false, Self::interval);
        let hours = Hours {
            monday: day("monday"),
            tuesday: day("tuesday"),
            wednesday: day("wednesday"),
            thursday: day("thursday"),
            friday: day("friday"),
            saturday: day("saturday"),
            sunday: day("sunday"),
            exceptions: self.list(given, path, "exceptions", false, Self::exception),
        };
        self.no_more(given, path);
        hours
    }

    fn interval(&mut self, path: &str, mut given: Object) -> Interval {
        let given = &mut given;
        let wanted = "must be a time of day such as 09:30";
        let from = self.required(given, path, "from", wanted);
        let to = self.required(given, path, "to", wanted);
        self.no_more(given, path);
        let (from, to) = from.zip(to).unwrap_or_else(|| {
            // The others of the day may seem to overlap what stands in.
            let day = path.rsplit_once('[').map_or(path, |(day, _)| day);
            self.unsure.push(day.to_owned());
            (TimeOfDay::MIDNIGHT, TimeOfDay::END_OF_DAY)
        });
        Interval { from, to }
    }

    fn exception(&mut self, path: &str, mut given: Object) -> Exception {
        let given = &mut given;
        let wanted = "must be a day such as 2026-12-24";
        let date: Option<String> = self.required(given, path, "date", wanted);
        let day = date.as_deref().and_then(period::date);
        if date.is_some() && day.is_none() {
            self.refuse(join(path, "date"), wanted);
        }
        let exception = Exception {
            // Every day that stands in is the same; that they are there twice is said of the field that is unsure.
            date: day.unwrap_or_default(),
            open: self.list(given, path, "open", false, Self::interval),
            reason: self
                .optional(given, path, "reason", TEXT)
                .unwrap_or_default(),
        };
        self.no_more(given, path);
        exception
    }

    fn policies(&mut self, given: &mut Object) -> Policies {
        let path = "policies";
        let given = &mut self.object(given, "", path);
        let policies = Policies {
            lead_minutes: self.number(given, path, "lead_minutes"),
            horizon_days: self.number(given, path, "horizon_days"),
            step_minutes: self.number(given, path, "step_minutes"),
        };
        self.no_more(given, path);
        policies
    }

    fn agent(&mut self, given: &mut Object) -> Agent {
        let path = "agent";
        let given = &mut self.object(given, "", path);
        let agent = Agent {
            name: self.text(given, path, "name"),
            greeting: self.text(given, path, "greeting"),
            greeting_protected: self
                .optional(given, path, "greeting_protected", "must be true or false")
                .unwrap_or_default(),
            tone: self.optional(given, path, "tone", TEXT).unwrap_or_default(),
            notes: self
                .optional(given, path, "notes", TEXT)
                .unwrap_or_default(),
            transfer_number: self.optional(given, path, "transfer_number", TEXT),
        };
        self.no_more(given, path);
        agent
    }

    fn limits(&mut self, given: &mut Object) -> Limits {
        let path = "limits";
        if matches!(given.get(path), None | Some(Value::Null)) {
            given.remove(path);
            return Limits::default();
        }
        let given = &mut self.object(given, "", path);
        let limits = Limits {
            minutes_a_day: self.optional_number(given, path, "minutes_a_day"),
            tokens_a_day: self.optional_number(given, path, "tokens_a_day"),
        };
        self.no_more(given, path);
        limits
    }

    /// A text that must be there. What it has to be like is for the business to say.
    fn text(&mut self, given: &mut Object, path: &str, name: &str) -> String {
        self.required(given, path, name, TEXT).unwrap_or_default()
    }

    /// A number that must be there. One that no field can hold is as good as the largest, which is out of every field's bounds.
    fn number<T: Number>(&mut self, given: &mut Object, path: &str, name: &str) -> T {
        let number: Option<i64> = self.required(given, path, name, NUMBER);
        number.map_or_else(T::default, |number| {
            T::try_from(number).unwrap_or(T::LARGEST)
        })
    }

    fn optional_number<T: Number>(
        &mut self,
        given: &mut Object,
        path: &str,
        name: &str,
    ) -> Option<T> {
        let number: i64 = self.optional(given, path, name, NUMBER)?;
        Some(T::try_from(number).unwrap_or(T::LARGEST))
    }

    fn required<T: DeserializeOwned>(
        &mut self,
        given: &mut Object,
        path: &str,
        name: &str,
        wanted: &str,
    ) -> Option<T> {
        match given.remove(name) {
            None | Some(Value::Null) => {
                self.refuse(join(path, name), "is missing");
                None
            }
            Some(value) => self.parsed(join(path, name), value, wanted),
        }
    }

    fn optional<T: DeserializeOwned>(
        &mut self,
        given: &mut Object,
        path: &str,
        name: &str,
        wanted: &str,
    ) -> Option<T> {
        match given.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.parsed(join(path, name), value, wanted),
        }
    }

    fn parsed<T: DeserializeOwned>(
        &mut self,
        field: String,
        value: Value,
        wanted: &str,
    ) -> Option<T> {
        let parsed = serde_json::from_value(value);
        if parsed.is_err() {
            self.refuse(field, wanted);
        }
        parsed.ok()
    }

    fn object(&mut self, given: &mut Object, path: &str, name: &str) -> Object {
        match given.remove(name) {
            Some(Value::Object(object)) => object,
            None | Some(Value::Null) => {
                self.refuse(join(path, name), "is missing");
                Object::new()
            }
            Some(_) => {
                self.refuse(join(path, name), "must be an object");
                Object::new()
            }
        }
    }

    fn list<T>(
        &mut self,
        given: &mut Object,
        path: &str,
        name: &str,
        is_required: bool,
        mut read: impl FnMut(&mut Self, &str, Object) -> T,
    ) -> Vec<T> {
        let field = join(path, name);
        let items = match given.remove(name) {
            None | Some(Value::Null) if !is_required => return Vec::new(),
            None | Some(Value::Null) => {
                self.refuse(field, "is missing");
                return Vec::new();
            }
            Some(Value::Array(items)) if items.len() <= LIST => items,
            Some(Value::Array(_)) => {
                self.refuse(field, "is too long");
                return Vec::new();
            }
            Some(_) => {
                self.refuse(field, "must be a list");
                return Vec::new();
            }
        };
        let mut read = |(index, item): (usize, Value)| {
            let path = format!("{field}[{index}]");
            let object = match item {
                Value::Object(object) => object,
                _ => {
                    self.refuse(path.as_str(), "must be an object");
                    Object::new()
                }
            };
            read(self, &path, object)
        };
        items.into_iter().enumerate().map(&mut read).collect()
    }

    /// What is left of an object is nothing that is known.
    fn no_more(&mut self, given: &Object, path: &str) {
        for name in given.keys() {
            // It comes back in the answer.
            let name: String = name.chars().take(40).collect();
            self.refuse(join(path, &name), "is not known");
        }
    }

    /// Names a fault, unless the whole that the field is a part of has been named.
    fn refuse(&mut self, field: impl Into<String>, why: &str) {
        let field = field.into();
        if !self.knows(&field) {
            self.unsure.push(field.clone());
            self.faults.push(Fault::new(field, why));
        }
    }

    fn knows(&self, field: &str) -> bool {
        self.faults
            .iter()
            .any(|known| is_within(field, &known.field))
    }
}

trait Number: TryFrom<i64> + Default {
    const LARGEST: Self;
}

impl Number for u16 {
    const LARGEST: Self = Self::MAX;
}

impl Number for u32 {
    const LARGEST: Self = Self::MAX;
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Whether a field is this one or a part of it.
fn is_within(field: &str, whole: &str) -> bool {
    field
        .strip_prefix(whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn demo() -> Value {
        let mut demo = serde_json::to_value(Business::demo()).unwrap();
        demo["hours"]["exceptions"] = json!([{ "date": "2026-12-24" }]);
        demo
    }

    fn parsed(value: Value) -> Result<Business, Vec<String>> {
        let Value::Object(given) = value else {
            panic!("{value}");
        };
        let told = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.field).collect();
        read(given, "demo-dental").map_err(told)
    }

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut value = demo();
        change(&mut value);
        parsed(value).unwrap_err()
    }

    #[test]
    fn a_business_is_read_as_it_was_written() {
        let mut business = Business::demo();
        business.hours.exceptions.push(Exception {
            date: "2026-12-24".parse().unwrap(),
            open: vec![Interval {
                from: TimeOfDay::MIDNIGHT,
                to: TimeOfDay::NOON,
            }],
            reason: "Christmas Eve".to_owned(),
        });
        let value = serde_json::to_value(&business).unwrap();
        assert_eq!(parsed(value), Ok(business));
    }

    #[test]
    fn what_may_be_left_out_is_what_the_type_says() {
        let mut value = demo();
        for (object, name) in [
            ("", "kind"),
            ("", "limits"),
            ("/agent", "tone"),
            ("/agent", "notes"),
            ("/agent", "transfer_number"),
            ("/hours", "friday"),
        ] {
            value
                .pointer_mut(object)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(name);
        }
        let by_type: Business = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(parsed(value), Ok(by_type));
    }

    #[test]
    fn each_field_is_refused_as_often_as_it_is_wrong() {
        for (pointer, value, field) in [
            ("/id", json!("another"), "id"),
            ("/id", json!(7), "id"),
            ("/name", json!(""), "name"),
            ("/name", json!(null), "name"),
            ("/name", json!("\u{202e}"), "name"),
            ("/zone", json!("Mars/Olympus"), "zone"),
            ("/country", json!("USA"), "country"),
            ("/currency", json!("$"), "currency"),
            ("/services", json!("none"), "services"),
            ("/services", json!(vec![json!({}); 501]), "services"),
            ("/services/0", json!(7), "services[0]"),
            ("/services/0/id", json!("Check Up"), "services[0].id"),
            ("/services/1/minutes", json!(70_000), "services[1].minutes"),
            ("/services/1/minutes", json!(-30), "services[1].minutes"),
            ("/services/1/minutes", json!("30"), "services[1].minutes"),
            ("/services/2/price", json!(9.5), "services[2].price"),
            ("/services/2/name", json!("cleanings"), "services[2].name"),
            ("/hours", json!([]), "hours"),
            ("/hours/monday", json!({}), "hours.monday"),
            (
                "/hours/exceptions/0/date",
                json!("-000001-12-24"),
                "hours.exceptions[0].date",
            ),
            ("/hours/monday/0/from", json!("9"), "hours.monday[0].from"),
            ("/hours/monday/0/to", json!("08:00"), "hours.monday[0].to"),
            ("/policies", json!(null), "policies"),
            ("/policies/lead_minutes", json!(-1), "policies.lead_minutes"),
            (
                "/policies/horizon_days",
                json!(1e9),
                "policies.horizon_days",
            ),
            (
                "/agent/greeting",
                json!("a".repeat(100_000)),
                "agent.greeting",
            ),
            (
                "/agent/greeting_protected",
                json!("yes"),
                "agent.greeting_protected",
            ),
            (
                "/agent/transfer_number",
                json!("555"),
                "agent.transfer_number",
            ),
            ("/limits", json!([]), "limits"),
            ("/limits/minutes_a_day", json!("60"), "limits.minutes_a_day"),
            ("/limits/minutes_a_day", json!(0), "limits.minutes_a_day"),
            ("/limits/tokens_a_day", json!(-1), "limits.tokens_a_day"),
            ("/limits/tokens_a_day", json!(1e15), "limits.tokens_a_day"),
        ] {
            let told = faults(|business| *business.pointer_mut(pointer).unwrap() = value.clone());
            assert_eq!(told, [field], "{pointer} {value}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once_and_nothing_else() {
        let told = faults(|business| {
            business["zone"] = json!(1);
            business["extra"] = json!(1);
            business["services"][0]["minutes"] = json!(null);
            business["services"][2]["price"] = json!(-1);
            business["hours"]["tuesday"] =
                json!([{ "from": "9" , "to": "12:00" }, { "from": "13:00", "to": "17:00" }]);
            business["hours"]["exceptions"] = json!([{ "date": "soon" }, { "date": "later" }, { "date": "2026-12-24", "closed": true }]);
        });
        assert_eq!(
            told,
            [
                "zone",
                "services[0].minutes",
                "hours.tuesday[0].from",
                "hours.exceptions[0].date",
                "hours.exceptions[1].date",
                "hours.exceptions[2].closed",
                "extra",
                "services[2].price",
            ]
        );
    }
}
