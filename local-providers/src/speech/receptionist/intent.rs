//! What a caller may want, by the words for it.

use super::facts::Facts;
use super::spoken::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Goodbye,
    /// What was begun is to be dropped.
    Never,
    Emergency,
    Person,
    Message,
    Cancel,
    Move,
    Booking,
    Hours,
    Parking,
    Address,
    Price,
    Services,
    Identity,
    Thanks,
    Greeting,
    No,
}

impl Intent {
    /// A booking is asked for in the words of a service, so its rule comes before the services'. Politeness comes last.
    pub(crate) fn of(said: &Words, facts: &Facts) -> Option<Self> {
        let found = RULES
            .iter()
            .find(|(_, phrases)| said.contain_any(phrases))
            .map(|(intent, _)| *intent);
        let is_polite = matches!(found, None | Some(Self::Thanks | Self::Greeting | Self::No));
        if is_polite && wants_to_come(said, facts) {
            return Some(Self::Booking);
        }
        found
    }

    /// A question that is answered whatever else is under way.
    pub(crate) const fn is_question(self) -> bool {
        matches!(
            self,
            Self::Hours
                | Self::Parking
                | Self::Address
                | Self::Price
                | Self::Services
                | Self::Identity
        )
    }
}

/// "I'd like a haircut", "can I come on Tuesday afternoon", "a cleaning on Friday".
fn wants_to_come(said: &Words, facts: &Facts) -> bool {
    let service = facts.service_in(said).is_some();
    let when = said.day(facts.today).is_some()
        || said.is_any_day()
        || said.part().is_some()
        || said.time(false, &[]).is_some();
    let wish = said.contain_any(&WISHES);
    (wish && (service || when)) || (service && when)
}

const WISHES: [&str; 16] = [
    "i'd like",
    "i would like",
    "i'd love",
    "i want",
    "i wanna",
    "i need",
    "we'd like",
    "we need",
    "can i",
    "could i",
    "may i",
    "could we",
    "can you do",
    "can you fit",
    "looking for",
    "get a",
];

const RULES: [(Intent, &[&str]); 17] = [
    (
        Intent::Goodbye,
        &[
            "goodbye",
            "good bye",
            "bye",
            "bye bye",
            "that's all",
            "that is all",
            "that's it",
            "that's everything",
            "nothing else",
            "have a nice day",
            "have a good day",
            "no thank you",
            "no thanks",
        ],
    ),
    (
        Intent::Never,
        &[
            "never mind",
            "nevermind",
            "forget it",
            "forget about it",
            "leave it",
        ],
    ),
    (
        Intent::Emergency,
        &[
            "emergency",
            "urgent",
            "toothache",
            "in pain",
            "bleeding",
            "swollen",
            "broke a tooth",
            "broken tooth",
        ],
    ),
    (
        Intent::Person,
        &[
            "a person",
            "real person",
            "human",
            "speak to someone",
            "speak with someone",
            "talk to someone",
            "put me through",
            "transfer me",
            "connect me",
            "the manager",
            "operator",
        ],
    ),
    (
        Intent::Message,
        &[
            "leave a message",
            "leave you a message",
            "take a message",
            "pass on a message",
            "pass a message",
            "give a message",
            "tell the doctor",
            "tell the dentist",
            "call me back",
        ],
    ),
    (Intent::Cancel, &["cancel", "cancelled", "call off"]),
    (
        Intent::Move,
        &[
            "reschedule",
            "re schedule",
            "rebook",
            "postpone",
            "move my",
            "move it",
            "move an appointment",
            "move the appointment",
            "change my appointment",
            "change my booking",
            "change the appointment",
            "change the time of",
            "another time for my",
        ],
    ),
    (
        Intent::Booking,
        &[
            "appointment",
            "book",
            "booking",
            "schedule",
            "come in",
            "see the dentist",
            "see someone",
            "reserve",
            "reservation",
            "availability",
            "available",
            "anything free",
            "anything open",
            "an opening",
            "openings",
            "a slot",
            "slots",
            "fit me in",
            "squeeze me in",
        ],
    ),
    (
        Intent::Hours,
        &[
            "hours",
            "open",
            "opening",
            "close",
            "closed",
            "what time do you",
        ],
    ),
    (Intent::Parking, &["parking", "park"]),
    (
        Intent::Address,
        &[
            "address",
            "where are you",
            "where is",
            "located",
            "location",
            "find you",
            "directions",
            "get there",
        ],
    ),
    (
        Intent::Price,
        &[
            "how much",
            "price",
            "prices",
            "cost",
            "costs",
            "charge",
            "expensive",
            "fee",
            "fees",
        ],
    ),
    (
        Intent::Services,
        &[
            "services",
            "do you do",
            "do you offer",
            "treatments",
            "what can you do",
            "how long",
        ],
    ),
    (
        Intent::Identity,
        &[
            "who are you",
            "are you a robot",
            "are you real",
            "your name",
            "who is this",
            "is this a machine",
        ],
    ),
    (
        Intent::Thanks,
        &["thank you", "thanks", "great", "perfect", "lovely"],
    ),
    (
        Intent::Greeting,
        &[
            "hello",
            "hi",
            "hey",
            "good morning",
            "good afternoon",
            "good evening",
        ],
    ),
    (Intent::No, &["no", "nope", "not really"]),
];
