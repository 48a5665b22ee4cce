//! A business as its owner describes it.
//!
//! What comes from a form or a file goes through [`Business::checked`] before it is kept: that cleans its texts and names every
//! field that cannot be used. The rest of the crate takes a checked one.

use serde::{Deserialize, Serialize};

use crate::hours::{Hours, Interval, TimeOfDay};
use crate::zone::Zone;

mod check;
mod currency;

pub use currency::{Currency, NoCurrency};

/// Everything she knows of one business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Business {
    /// Its public name in addresses: lower-case letters, digits and hyphens, at most 64.
    pub id: String,
    pub name: String,
    /// What it is, behind its name: `a dental practice`. May be empty.
    #[serde(default)]
    pub kind: String,
    pub zone: Zone,
    /// ISO 3166, two letters: how national telephone numbers are read.
    pub country: String,
    pub currency: Currency,
    pub services: Vec<Service>,
    pub hours: Hours,
    pub policies: Policies,
    pub agent: Agent,
    #[serde(default)]
    pub limits: Limits,
}

/// Something a caller can book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Lower-case letters, digits and hyphens, at most 64. It stays when the name changes.
    pub id: String,
    pub name: String,
    pub minutes: u16,
    /// In the currency's minor unit.
    pub price: i64,
}

/// The rules of booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// An appointment begins at least this much after it is made.
    pub lead_minutes: u32,
    /// And at most this many days after.
    pub horizon_days: u16,
    /// Appointments begin at the opening and every so many minutes after.
    pub step_minutes: u16,
}

/// How she presents herself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    pub name: String,
    pub greeting: String,
    /// The greeting is played to its end whatever is said over it: for one that asks for consent.
    #[serde(default)]
    pub greeting_protected: bool,
    /// How she speaks: `warm and brief`. May be empty.
    #[serde(default)]
    pub tone: String,
    /// What else she may tell: lines such as `Address: 12 Willow Lane.` May be empty.
    #[serde(default)]
    pub notes: String,
    /// Where a caller is put through to a person: a number by E.164. Without one, she takes a message.
    #[serde(default)]
    pub transfer_number: Option<String>,
}

/// What she may spend in a day of the business's own calendar. None: as much as there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Minutes of all calls together.
    pub minutes_a_day: Option<u32>,
    /// Tokens that the model reads and writes.
    pub tokens_a_day: Option<u32>,
}

/// A field that cannot be used, and why, in words for the form it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// `services[2].price`
    pub field: String,
    pub why: String,
}

impl Fault {
    #[must_use]
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: why.into(),
        }
    }
}

impl Business {
    /// The service of this id.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The service a caller or a model means: by id or by name, whatever the case, hyphens and plural, and with words around it.
    #[must_use]
    pub fn service_named(&self, text: &str) -> Option<&Service> {
        let wanted = core_of(text);
        let named =
            |service: &&Service| core_of(&service.name) == wanted || core_of(&service.id) == wanted;
        if let Some(service) = self.services.iter().find(named) {
            return Some(service);
        }
        // "A dental cleaning", "the clean": one is in the other, and in no other's.
        let is_like = |service: &&Service| {
            let name = core_of(&service.name);
            wanted.len() >= 4 && (wanted.contains(&name) || name.contains(&wanted))
        };
        let mut like = self.services.iter().filter(is_like);
        like.next().filter(|_| like.next().is_none())
    }

    /// Cleans its texts, and names every field that cannot be used.
    pub fn checked(self) -> Result<Self, Vec<Fault>> {
        check::checked(self)
    }

    /// The demonstration's dental practice.
    #[must_use]
    pub fn demo() -> Self {
        let service = |id: &str, minutes, price| Service {
            id: id.to_owned(),
            name: id.to_owned(),
            minutes,
            price,
        };
        let weekday = || {
            let nine = TimeOfDay::clamped(9 * 60);
            let five = TimeOfDay::clamped(17 * 60);
            vec![Interval {
                from: nine,
                to: five,
            }]
        };
        Self {
            id: "demo-dental".to_owned(),
            name: "Willow Lane Dental".to_owned(),
            kind: "a dental practice".to_owned(),
            zone: Zone::parse("America/New_York").unwrap_or_default(),
            country: "US".to_owned(),
            currency: Currency::USD,
            services: vec![
                service("check-up", 30, 6_000),
                service("cleaning", 45, 9_000),
                service("whitening", 60, 25_000),
            ],
            hours: Hours {
                monday: weekday(),
                tuesday: weekday(),
                wednesday: weekday(),
                thursday: weekday(),
                friday: weekday(),
                ..Hours::default()
            },
            policies: Policies {
                lead_minutes: 60,
                horizon_days: 90,
                step_minutes: 15,
            },
            agent: Agent {
                name: "Voxanne".to_owned(),
                greeting: "Hello, this is Voxanne at Willow Lane Dental. How can I help you?".to_owned(),
                greeting_protected: false,
                tone: "warm, calm and brief".to_owned(),
                notes: "Address: 12 Willow Lane, next to the library. There is free parking behind the building.\n\
                    Emergencies: emergency visits on the same day where possible."
                    .to_owned(),
                // Of the numbers that are kept free for fiction.
                transfer_number: Some("+12025550143".to_owned()),
            },
            limits: Limits::default(),
        }
    }
}

/// Letters and digits in small, without a plural: `Check-ups` and `checkup` are the same.
fn core_of(text: &str) -> String {
    let core: String = text
        .chars()
        .take(SERVICE_NAME)
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    match core.strip_suffix('s') {
        Some(single) if single.len() > 2 => single.to_owned(),
        _ => core,
    }
}

/// Characters of a service's name, which is spoken in lists.
pub(crate) const SERVICE_NAME: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::Exception;

    fn faults(change: impl FnOnce(&mut Business)) -> Vec<String> {
        let mut business = Business::demo();
        change(&mut business);
        let faults = business.checked().err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn the_demonstration_is_sound() {
        assert_eq!(Business::demo().checked(), Ok(Business::demo()));
        let json = serde_json::to_string(&Business::demo()).unwrap();
        assert_eq!(
            serde_json::from_str::<Business>(&json).unwrap(),
            Business::demo()
        );
        assert_eq!(Business::demo().zone.name(), "America/New_York");
    }

    #[test]
    fn every_fault_is_named_by_its_field() {
        let interval = |from: &str, to: &str| Interval {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        assert_eq!(
            faults(|business| business.name = " \u{202E}".to_owned()),
            ["name"]
        );
        assert_eq!(
            faults(|business| business.id = "Demo Dental".to_owned()),
            ["id"]
        );
        assert_eq!(
            faults(|business| business.country = "USA".to_owned()),
            ["country"]
        );
        assert_eq!(
            faults(|business| {
                business.services[0].name = "x".repeat(1 << 20);
                business.services[1].minutes = 0;
                business.services[1].price = -1;
                business.services[2].name = "Cleanings".to_owned();
            }),
            [
                "services[0].name",
                "services[1].minutes",
                "services[1].price",
                "services[2].name"
            ]
        );
        assert_eq!(
            faults(|business| business.services[0].name = "cut; colour".to_owned()),
            ["services[0].name"]
        );
        assert_eq!(
            faults(|business| business.services[1].id = "check-up".to_owned()),
            ["services[1].id"]
        );
        assert_eq!(
            faults(|business| {
                business.hours.monday = vec![interval("17:00", "09:00")];
                business.hours.friday =
                    vec![interval("09:00", "12:00"), interval("11:00", "15:00")];
                let exception = Exception {
                    date: "2026-12-24".parse().unwrap(),
                    open: vec![interval("09:00", "09:00")],
                    reason: "x".repeat(81),
                };
                business.hours.exceptions = vec![
                    exception.clone(),
                    Exception {
                        open: Vec::new(),
                        reason: String::new(),
                        ..exception
                    },
                ];
            }),
            [
                "hours.monday[0].to",
                "hours.friday[1].from",
                "hours.exceptions[0].open[0].to",
                "hours.exceptions[0].reason",
                "hours.exceptions[1].date"
            ]
        );
        assert_eq!(
            faults(|business| business.policies = Policies {
                lead_minutes: 99_999,
                horizon_days: 0,
                step_minutes: 1
            }),
            [
                "policies.lead_minutes",
                "policies.horizon_days",
                "policies.step_minutes"
            ]
        );
        assert_eq!(
            faults(|business| {
                business.agent.name = String::new();
                business.agent.greeting = "g".repeat(401);
                business.agent.notes = "n".repeat(5000);
                business.agent.transfer_number = Some("0143".to_owned());
            }),
            [
                "agent.name",
                "agent.greeting",
                "agent.notes",
                "agent.transfer_number"
            ]
        );
    }

    #[test]
    fn limits_are_none_or_within_bounds() {
        let limits = |minutes_a_day, tokens_a_day| {
            faults(|business| {
                business.limits = Limits {
                    minutes_a_day,
                    tokens_a_day,
                };
            })
        };
        for (minutes, tokens) in [
            (None, None),
            (Some(1), None),
            (None, Some(1)),
            (Some(100_000), Some(1_000_000_000)),
        ] {
            assert!(limits(minutes, tokens).is_empty(), "{minutes:?} {tokens:?}");
        }
        let both = ["limits.minutes_a_day", "limits.tokens_a_day"];
        assert_eq!(limits(Some(0), Some(0)), both);
        assert_eq!(limits(Some(100_001), Some(1_000_000_001)), both);
    }

    #[test]
    fn a_business_from_before_there_were_limits_has_none() {
        let mut value = serde_json::to_value(Business::demo()).unwrap();
        value.as_object_mut().unwrap().remove("limits");
        let business: Business = serde_json::from_value(value).unwrap();
        assert_eq!(business, Business::demo());
    }

    #[test]
    fn texts_are_cleaned() {
        let mut business = Business::demo();
        business.name = "  Willow\n Lane\u{200B} ".to_owned();
        business.country = "us".to_owned();
        business.agent.transfer_number = Some("(202) 555-0143".to_owned());
        business.agent.notes = "Address: 1 Road\r\n\r\nParking:\u{0} none\n".to_owned();
        let business = business.checked().unwrap();
        assert_eq!(business.name, "Willow Lane");
        assert_eq!(business.country, "US");
        assert_eq!(
            business.agent.transfer_number.as_deref(),
            Some("+12025550143")
        );
        assert_eq!(business.agent.notes, "Address: 1 Road\n\nParking: none");
        let mut business = Business::demo();
        business.agent.transfer_number = Some(" ".to_owned());
        assert_eq!(business.checked().unwrap().agent.transfer_number, None);
    }

    #[test]
    fn a_service_is_known_by_what_callers_call_it() {
        let business = Business::demo();
        for (said, id) in [
            ("check-up", Some("check-up")),
            ("Checkups", Some("check-up")),
            ("check up", Some("check-up")),
            ("a dental cleaning", Some("cleaning")),
            ("whiten", Some("whitening")),
            ("cleaning and whitening", None),
            ("ing", None),
            ("haircut", None),
            ("", None),
        ] {
            assert_eq!(
                business
                    .service_named(said)
                    .map(|service| service.id.as_str()),
                id,
                "{said}"
            );
        }
    }
}
