//! What she says and does next for the caller's task.

use super::arguments::arguments;
use super::facts::joined;
use super::outcome::Outcome;
use super::spoken::{Part, capitalised};
use super::visit::{Answer, Expected, Offer, Task, Visit};
use super::{ANYTHING_ELSE, Reply};
use crate::groq::{ChatRequest, Function};

impl Visit<'_> {
    /// Asks for what is missing, or does what can be done.
    pub(crate) fn next_step(&self, request: &ChatRequest) -> Reply {
        match self.task {
            None => Reply::say("Is there anything else I can help you with?"),
            Some(Task::Book) => self.book(request),
            Some(Task::Cancel) => self.change(request, "cancel_appointment"),
            Some(Task::Move) => self.change(request, "reschedule_appointment"),
            Some(Task::Message) => match (self.expected(), request.tool("take_message")) {
                (Expected::Nothing, Some(tool)) => self.call(tool),
                (Expected::Nothing, None) => {
                    Reply::say(format!("Thank you, I'll pass that on. {ANYTHING_ELSE}"))
                }
                _ => Reply::say(self.question()),
            },
        }
    }

    fn book(&self, request: &ChatRequest) -> Reply {
        let expected = self.expected();
        if matches!(expected, Expected::Service | Expected::Day) {
            return Reply::say(self.question());
        }
        // The times come before the name: a name for nothing is asked in vain.
        let check = request.tool("check_availability");
        if let Some(tool) = check.filter(|_| self.is_unchecked()) {
            return self.call(tool);
        }
        if self.answer == Some(Answer::NoneOfThese) {
            return Reply::say("What other day or time would suit you?");
        }
        if expected != Expected::Confirmation {
            return Reply::say(self.question());
        }
        match request.tool("book_appointment") {
            Some(tool) if self.answer == Some(Answer::Agreed) => self.call(tool),
            Some(_) if self.answer == Some(Answer::Refused) => {
                Reply::say("What would you like to change?")
            }
            Some(_) => Reply::say(self.question()),
            None => Reply::say(format!(
                "Thank you, {}. That's {}. Someone will call you to confirm. {ANYTHING_ELSE}",
                self.details.name.as_deref().unwrap_or_default(),
                self.summary()
            )),
        }
    }

    fn change(&self, request: &ChatRequest, tool: &str) -> Reply {
        match (request.tool(tool), self.expected()) {
            (None, _) => Reply::say(format!(
                "I'll pass that on, and someone will call you back to change it. {ANYTHING_ELSE}"
            )),
            (Some(tool), Expected::Nothing) => self.call(tool),
            (Some(_), _) => Reply::say(self.question()),
        }
    }

    fn call(&self, tool: &Function) -> Reply {
        Reply::call(&tool.name, arguments(tool, self.task, &self.details))
    }

    /// The next thing to ask.
    pub(crate) fn question(&self) -> String {
        let question = match (self.expected(), self.task) {
            (Expected::Nothing, _) => ANYTHING_ELSE,
            (Expected::Service, _) => "Of course. What would you like to come in for?",
            (Expected::Day, _) => "What day would suit you?",
            (Expected::Time, task) => return self.time_question(task),
            (Expected::Name, Some(Task::Cancel | Task::Move)) => {
                "Please tell me whose name the appointment is under."
            }
            (Expected::Name, _) => "May I have your name, please?",
            (Expected::Phone, Some(Task::Cancel | Task::Move)) => {
                "And which telephone number was given with the booking?"
            }
            (Expected::Phone, _) => "And a telephone number, please?",
            (Expected::Which, _) => "Which appointment is it, on what day?",
            (Expected::Text, _) => "What shall I pass on?",
            (Expected::Confirmation, _) => {
                let details = &self.details;
                let price = details.service.as_deref();
                let price = price.and_then(|service| self.facts.price_of(service));
                return format!(
                    "So that's {}, for {}.{} Shall I book it?",
                    self.summary(),
                    details.name.as_deref().unwrap_or_default(),
                    price.map_or_else(String::new, |price| format!(" It costs {price}."))
                );
            }
        };
        question.to_owned()
    }

    fn time_question(&self, task: Option<Task>) -> String {
        match (&self.offer, task) {
            (Some(offer), _) => self.offered(offer),
            (None, Some(Task::Move)) if self.details.date.is_none() => {
                "What day and time would you like instead?".to_owned()
            }
            (None, _) => "What time would you like to come?".to_owned(),
        }
    }

    /// `On Friday I have nine, ten thirty or two. Which would you like?`
    fn offered(&self, offer: &Offer) -> String {
        let times: Vec<String> = offer.slots.iter().map(ToString::to_string).collect();
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let day = capitalised(&offer.date.shortly(self.facts.today));
        let question = match times.as_slice() {
            [_] => "Would that suit you?",
            _ => "Which would you like?",
        };
        format!("{day} I have {}. {question}", joined(&times, "or"))
    }

    /// What to say to a tool's result.
    pub(crate) fn after_tool(&self) -> Reply {
        let Some((tool, outcome, about)) = &self.news else {
            return Reply::say(format!("I'm sorry, I don't know yet. {}", self.question()));
        };
        if let Some(done) = &self.untold {
            return Reply::say(format!("{done} {ANYTHING_ELSE}"));
        }
        let words = match (tool.as_str(), outcome.is_done()) {
            // The call is over or somebody else's.
            ("end_call" | "transfer_call", true) => String::new(),
            ("check_availability", true) => self.after_check(outcome, about.contains(" at ")),
            _ if outcome.field.is_some() && self.task != Some(Task::Message) => {
                format!("I'm sorry, I didn't get that. {}", self.question())
            }
            _ if self.task == Some(Task::Message) => {
                format!(
                    "{} I can take a message. {}",
                    outcome.regret(),
                    self.question()
                )
            }
            _ if outcome.is_because("phone_missing") => self.question(),
            _ if outcome.is_because("several") => {
                format!("You have {}. Which one is it?", outcome.several())
            }
            _ if self.task.is_none() => format!("{} {ANYTHING_ELSE}", outcome.regret()),
            _ if self.expected() == Expected::Day => {
                format!("{} What other day would suit you?", outcome.regret())
            }
            _ => format!("{} {}", outcome.regret(), self.question()),
        };
        Reply::say(words)
    }

    /// `missed`: a time was asked for, and it is not what is free.
    fn after_check(&self, outcome: &Outcome, missed: bool) -> String {
        let other_day = "What other day would suit you?";
        let Some(offer) = &self.offer else {
            return match outcome.why {
                None => format!("I'm sorry, there is nothing free then. {other_day}"),
                Some(_) => format!("{} {other_day}", outcome.regret()),
            };
        };
        let offered = self.offered(offer);
        if outcome.why.is_some() {
            return format!("{} {offered}", outcome.regret());
        }
        if let Some(time) = self.details.time {
            let day = offer.date.shortly(self.facts.today);
            let day = capitalised(day.strip_prefix("on ").unwrap_or(&day));
            return format!("{day} at {time} is free. {}", self.question());
        }
        let is_in = |part: &Part| offer.slots.iter().any(|slot| part.holds(*slot));
        match self.details.part.filter(|part| !is_in(part)) {
            _ if missed => format!("I'm sorry, that's not free. {offered}"),
            Some(part) => {
                let part = part.name();
                format!("I'm sorry, there is nothing free in the {part}. {offered}")
            }
            None => offered,
        }
    }

    /// Opens the caller's errand in her words.
    pub(crate) fn first_step(&self, request: &ChatRequest) -> Reply {
        let reply = self.next_step(request);
        let is_plain = matches!(self.task, Some(Task::Cancel | Task::Move | Task::Message));
        match reply.call {
            None if is_plain && !reply.say.starts_with("I'll pass") => {
                Reply::say(format!("Of course. {}", reply.say))
            }
            _ => reply,
        }
    }
}
