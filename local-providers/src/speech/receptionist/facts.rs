//! What she knows of the business: the lines `Name: value` of the system prompt, or the demonstration's own.

use super::spoken::{Date, Words, capitalised};
use crate::groq::ChatRequest;

pub(crate) struct Facts {
    pub(crate) business: String,
    pub(crate) today: Date,
    /// Nobody knows from which number the caller calls, and it is wanted.
    pub(crate) asks_number: bool,
    /// Emergencies are seen at once.
    pub(crate) sees_emergencies: bool,
    hours: String,
    address: String,
    services: Vec<Service>,
}

pub(crate) struct Service {
    pub(crate) name: String,
    /// Price and length, as they are to be said.
    details: Vec<String>,
}

impl Facts {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let is_system = |role: &str| role == "system" || role == "developer";
        let system: Vec<String> = request
            .messages
            .iter()
            .filter(|message| is_system(&message.role))
            .map(|message| message.text())
            .collect();
        let system = system.join("\n");
        let source = match value_of(&system, &["business"]) {
            Some(_) => system.as_str(),
            None => DEMO,
        };
        let value = |names: &[&str]| value_of(source, names).unwrap_or_default();
        let business = value(&["business"]);
        Self {
            business: business
                .split([',', '.'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            today: Date::find(&system).unwrap_or_else(today),
            sees_emergencies: Words::of(source).contain("emergency visits"),
            asks_number: system.contains("ask for a telephone number"),
            hours: value(&["opening hours", "hours", "open"]),
            address: value(&["address", "location"]),
            services: services(&value(&["services", "prices", "treatments"])),
        }
    }

    /// The hours, or the answer for the day that was asked about.
    pub(crate) fn hours_for(&self, said: &Words) -> String {
        let closed = self
            .hours
            .split('.')
            .map(Words::of)
            .find(|sentence| sentence.contain("closed"));
        let asked = said.day(self.today);
        match (asked, closed) {
            (Some(day), Some(closed)) if closed.contain(&day.name()) => {
                format!("I'm sorry, we are closed {}.", day.shortly(self.today))
            }
            (Some(_), _) => format!("Yes. Our opening hours are {}", sentence(&self.hours)),
            (None, _) => format!("Our opening hours are {}", sentence(&self.hours)),
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("We are at {}", sentence(&self.address))
    }

    pub(crate) fn parking(&self) -> String {
        let parking = self
            .address
            .split('.')
            .find(|part| Words::of(part).contain("parking"));
        parking.map_or_else(
            || "I'm afraid I don't know about parking.".to_owned(),
            |part| sentence(part.trim()),
        )
    }

    /// The service a line names: the first, and of two names at one place the longer. A word that only one service has is enough.
    pub(crate) fn service_in(&self, said: &Words) -> Option<&Service> {
        let words = said.plain();
        let whole = self.services.iter().filter_map(|service| {
            let (start, end) = service.place_in(&words)?;
            Some((start, usize::MAX - end, service))
        });
        if let Some((_, _, service)) = whole.min_by_key(|(start, end, _)| (*start, *end)) {
            return Some(service);
        }
        let has = |service: &&Service, word: &str| {
            let own = Words::of(&service.name);
            let own = own.plain();
            own.len() > 1 && own.iter().any(|own| singular(own) == singular(word))
        };
        words
            .iter()
            .filter(|word| word.len() >= 4)
            .find_map(|word| {
                let mut with = self.services.iter().filter(|service| has(service, word));
                with.next().filter(|_| with.next().is_none())
            })
    }

    /// Whether there is anything to book.
    pub(crate) const fn books(&self) -> bool {
        !self.services.is_empty()
    }

    /// The one there is, if there is one only.
    pub(crate) fn only_service(&self) -> Option<&Service> {
        match self.services.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What a service costs, as it is to be said.
    pub(crate) fn price_of(&self, name: &str) -> Option<&str> {
        let service = self.services.iter().find(|service| service.name == name)?;
        service.details.first().map(String::as_str)
    }

    /// About the service a line names, or the one that was spoken of before, or all.
    pub(crate) fn prices_for(&self, said: &Words, before: Option<&str>) -> String {
        let before = || {
            self.services
                .iter()
                .find(|service| Some(service.name.as_str()) == before)
        };
        match self.service_in(said).or_else(before) {
            Some(service) => service.described(),
            None => format!(
                "We offer {}. Which one are you interested in?",
                self.service_names()
            ),
        }
    }

    pub(crate) fn service_names(&self) -> String {
        let known: Vec<&str> = self
            .services
            .iter()
            .filter(|service| !service.details.is_empty())
            .map(|service| service.name.as_str())
            .collect();
        joined(&known, "and")
    }
}

impl Service {
    /// From which word to which it is named: also in the plural, and together where it is written apart, as in "hair cut".
    fn place_in(&self, words: &[&str]) -> Option<(usize, usize)> {
        let core = |text: &str| {
            let letters = text.chars().filter(|character| character.is_alphanumeric());
            letters.collect::<String>()
        };
        let name = core(&self.name);
        let longest = Words::of(&self.name).plain().len() + 1;
        let spans = (0..words.len()).flat_map(|start| {
            let last = words.len().min(start + longest);
            (start + 1..=last).map(move |end| (start, end))
        });
        let mut named = spans.filter(|(start, end)| {
            let together = core(&words[*start..*end].concat());
            let refused = words[..*start].ends_with(&["not", "a"]);
            !refused && singular(&together) == singular(&name)
        });
        named.next()
    }

    fn described(&self) -> String {
        let subject = capitalised(&with_article(&self.name));
        match self.details.as_slice() {
            [] => format!("Yes, we do {}.", self.name),
            [price] => format!("{subject} is {price}."),
            [price, length, ..] => format!("{subject} is {price} and takes {length}."),
        }
    }
}

/// `a cleaning`, `an extraction`.
pub(crate) fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// `one, two or three`.
pub(crate) fn joined(items: &[&str], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s')
        .filter(|word| word.len() > 2)
        .unwrap_or(word)
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The value of a line `Name: value`; where it is empty, the list items below it.
fn value_of(text: &str, names: &[&str]) -> Option<String> {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let name = name
            .trim_matches(|character: char| !character.is_alphanumeric())
            .to_lowercase();
        if !names.contains(&name.as_str()) {
            continue;
        }
        if !value.trim().is_empty() {
            return Some(value.trim().to_owned());
        }
        let item = |line: &str| {
            line.trim()
                .strip_prefix(['-', '*', '•'])
                .map(|item| item.trim().to_owned())
        };
        let items: Vec<String> = lines.by_ref().map_while(item).collect();
        return (!items.is_empty()).then(|| items.join("; "));
    }
    None
}

/// `cleaning, 90 dollars, 45 minutes; …`
fn services(value: &str) -> Vec<Service> {
    let each = value.trim_end_matches('.').split(';').map(|service| {
        let mut parts = service.split([',', ':']).map(|part| part.trim().to_owned());
        Service {
            name: parts.next().unwrap_or_default().to_lowercase(),
            details: parts.collect(),
        }
    });
    each.filter(|service| !service.name.is_empty()).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration's calendar is the day's own"
)]
fn today() -> Date {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Date((since_epoch.as_secs() / 86_400) as i64)
}

/// For a request whose system prompt has no facts.
const DEMO: &str = "Business: Willow Lane Dental, a dental practice.\n\
    Opening hours: Monday to Friday from nine to five. Closed on Saturday and Sunday.\n\
    Address: 12 Willow Lane, next to the library. There is free parking behind the building.\n\
    Services: check-up, 60 dollars, 30 minutes; cleaning, 90 dollars, 45 minutes; whitening, 250 dollars, one hour.\n\
    Emergencies: emergency visits on the same day where possible.";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(system: &str) -> Facts {
        let body = json!({ "model": "m", "messages": [{ "role": "system", "content": system }] });
        Facts::of(&ChatRequest::parse(body.to_string().as_bytes()).expect("a request"))
    }

    #[test]
    fn reads_lines_and_lists() {
        let facts = facts(
            "Be brief.\nBusiness: Oak Salon.\nHours: daily, ten to six\nServices:\n- Haircut: 30 euros, 40 minutes\n- Colour: 80 euros\n",
        );
        assert_eq!(facts.business, "Oak Salon");
        assert_eq!(
            facts.hours_for(&Words::of("when are you open")),
            "Our opening hours are daily, ten to six."
        );
        assert_eq!(
            facts.prices_for(&Words::of("how much is a colour"), None),
            "A colour is 80 euros."
        );
        assert_eq!(
            facts.prices_for(&Words::of("prices"), None),
            "We offer haircut and colour. Which one are you interested in?"
        );
    }

    #[test]
    fn finds_the_service_that_is_meant() {
        let facts = facts(
            "Business: Oak Salon.\nServices: haircut, 30 euros; men's haircut, 25 euros; beard trim, 10 euros; colour, 80 euros.",
        );
        for (line, expected) in [
            ("I'd like a hair cut", Some("haircut")),
            ("two haircuts please", Some("haircut")),
            ("a men's haircut", Some("men's haircut")),
            ("just a trim", Some("beard trim")),
            ("not a colour, a beard trim", Some("beard trim")),
            ("a massage", None),
        ] {
            let service = facts.service_in(&Words::of(line));
            assert_eq!(
                service.map(|service| service.name.as_str()),
                expected,
                "{line}"
            );
        }
        assert_eq!(facts.price_of("haircut"), Some("30 euros"));
    }

    #[test]
    fn knows_the_demonstration_when_told_nothing() {
        let facts = facts("You are helpful.");
        assert_eq!(facts.business, "Willow Lane Dental");
        assert!(facts.service_in(&Words::of("a checkup please")).is_some());
    }
}
