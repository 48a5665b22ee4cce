//! Calls as callers make them, with a practice whose own rules decide what each tool gives.

use front_desk::booking::{self, Booking, Status};
use front_desk::business::{Business, Service};
use front_desk::hours::Exception;
use front_desk::text::Phone;
use front_desk::tool::{self, Outcome, Tool};
use serde_json::{Value, json};

use super::*;

mod anything;
mod changed;
mod made;

/// A small business with a list of bookings, on Monday 2026-11-23 at ten in the morning.
struct Practice {
    business: Business,
    bookings: Vec<Booking>,
    /// Text, name and number.
    messages: Vec<(String, Option<String>, Option<String>)>,
}

impl Practice {
    fn open() -> Self {
        let mut business = Business::demo();
        business.services.push(Service {
            id: "haircut".to_owned(),
            name: "Haircut".to_owned(),
            minutes: 30,
            price: 35_00,
        });
        business.hours.exceptions = vec![Exception {
            date: "2026-11-26".parse().expect("a date"),
            open: Vec::new(),
            reason: "Thanksgiving".to_owned(),
        }];
        Self {
            business,
            bookings: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn instant(&self, day: &str, time: &str) -> i64 {
        let (day, time) = (day.parse().expect("a day"), time.parse().expect("a time"));
        let instant = self.business.zone.instant(day, time);
        instant.expect("a time that there is")
    }

    fn now(&self) -> i64 {
        self.instant("2026-11-23", "10:00")
    }

    fn book(&mut self, service: &str, day: &str, time: &str, name: &str, phone: Option<&str>) {
        let arguments =
            json!({ "service": service, "date": day, "time": time, "name": name, "phone": phone });
        let result = self.serve("book_appointment", &arguments.to_string(), None);
        assert!(result.contains("\"ok\":true"), "{result}");
    }

    /// Every booking that stands: what, when, whose, with which number.
    fn booked(&self) -> Vec<String> {
        let stands = self
            .bookings
            .iter()
            .filter(|booking| booking.status == Status::Booked);
        let each = stands.map(|booking| {
            let (day, time) = self.business.zone.local(booking.starts_at);
            let phone = booking.phone.as_ref().map_or("", Phone::as_str);
            format!("{} {day} {time} {} {phone}", booking.service, booking.name)
        });
        each.collect()
    }

    fn busy(&self) -> Vec<(i64, i64)> {
        let stands = self
            .bookings
            .iter()
            .filter(|booking| booking.status == Status::Booked);
        stands
            .map(|booking| (booking.starts_at, booking.ends_at))
            .collect()
    }

    /// What the worker does with its database.
    fn serve(&mut self, name: &str, arguments: &str, calling: Option<&Phone>) -> String {
        let now = self.now();
        let outcome = match tool::parse(&self.business, now, name, arguments) {
            Err(error) => Outcome::bad_argument(&error),
            Ok(tool) => self.carry_out(tool, calling, now),
        };
        outcome.to_json()
    }

    fn carry_out(&mut self, tool: Tool, calling: Option<&Phone>, now: i64) -> Outcome {
        let (busy, business) = (self.busy(), self.business.clone());
        let refused = |refusal| Outcome::refused(&business, &refusal);
        match tool {
            Tool::CheckAvailability(asked) => {
                let (service, date, wanted) = (&asked.service, asked.date, asked.wanted);
                let found = booking::check(&business, service, date, wanted, &busy, now);
                Outcome::availability(&business, &found)
            }
            Tool::BookAppointment(request) => {
                let new = match booking::decide_booking(&business, &request, &busy, now) {
                    Ok(new) => new,
                    Err(refusal) => return refused(refusal),
                };
                self.bookings.push(Booking {
                    id: format!("b-{}", self.bookings.len()),
                    service: new.service,
                    service_name: new.service_name,
                    price: new.price,
                    starts_at: new.starts_at,
                    ends_at: new.ends_at,
                    name: new.name,
                    phone: new.phone.or_else(|| calling.cloned()),
                    status: Status::Booked,
                    created_at: now,
                    changed_at: now,
                    sequence: 0,
                });
                let made = self.bookings.last().expect("just made");
                Outcome::booked(&business, made)
            }
            Tool::CancelAppointment(claim) => {
                let found = booking::find_own(&business, &self.bookings, &claim, calling, now);
                let id = match found {
                    Ok(own) => own.id.clone(),
                    Err(refusal) => return refused(refusal),
                };
                let own = self.of_id(&id);
                own.status = Status::Cancelled;
                Outcome::cancelled(&business, own)
            }
            Tool::RescheduleAppointment(wanted) => {
                let found =
                    booking::find_own(&business, &self.bookings, &wanted.claim, calling, now);
                let own = match found {
                    Ok(own) => own,
                    Err(refusal) => return refused(refusal),
                };
                let to = booking::decide_move(&business, own, wanted.date, wanted.time, &busy, now);
                let (id, (starts_at, ends_at)) = match to {
                    Ok(to) => (own.id.clone(), to),
                    Err(refusal) => return refused(refusal),
                };
                let own = self.of_id(&id);
                (own.starts_at, own.ends_at) = (starts_at, ends_at);
                Outcome::moved(&business, own)
            }
            Tool::TakeMessage(message) => {
                self.messages.push((
                    message.text.to_string(),
                    message.name.map(|name| name.to_string()),
                    message.phone.map(|phone| phone.as_str().to_owned()),
                ));
                Outcome::message_taken()
            }
        }
    }

    fn of_id(&mut self, id: &str) -> &mut Booking {
        let found = self.bookings.iter_mut().find(|booking| booking.id == id);
        found.expect("the one that was found")
    }

    fn tools(&self) -> Value {
        let tool = |name: &str, parameters: Value| json!({ "type": "function", "function": { "name": name, "parameters": parameters } });
        let own = tool::definitions(&self.business).into_iter();
        let own = own.map(|definition| tool(definition.name, definition.parameters));
        own.chain([tool(
            "end_call",
            json!({ "type": "object", "properties": {} }),
        )])
        .collect()
    }

    /// A call by telephone, or from a page, which has no number.
    fn call(&mut self, from: Option<&str>) -> Call<'_> {
        let instructions =
            front_desk::prompt::instructions(&self.business, self.now(), from.is_some(), &[]);
        let from = from.map(|number| Phone::parse(number, "US").expect("a number"));
        Call {
            practice: self,
            from,
            messages: vec![json!({ "role": "system", "content": instructions })],
            result: None,
        }
    }
}

struct Call<'a> {
    practice: &'a mut Practice,
    from: Option<Phone>,
    messages: Vec<Value>,
    /// Given to the next tool in place of what the practice says.
    result: Option<Value>,
}

impl Call<'_> {
    /// What she answers, with what she did for it in brackets.
    fn say(&mut self, line: &str) -> String {
        self.messages
            .push(json!({ "role": "user", "content": line }));
        let mut answer = String::new();
        for round in 0..4 {
            let body = json!({ "model": "local", "messages": self.messages, "tools": self.practice.tools() });
            let request = ChatRequest::parse(body.to_string().as_bytes()).expect("a request");
            let Reply { say, call } = reply(&request);
            answer.push_str(&say);
            let Some((name, arguments)) = call else {
                // What was said before a tool is not told apart from what was said after.
                self.messages
                    .push(json!({ "role": "assistant", "content": answer }));
                return answer;
            };
            let arguments = Value::Object(arguments).to_string();
            answer.push_str(&format!("[{name} {arguments}] "));
            if name == "end_call" {
                return answer;
            }
            let from = self.from.clone();
            let result = match self.result.take() {
                Some(result) => result.to_string(),
                None => self.practice.serve(&name, &arguments, from.as_ref()),
            };
            let id = format!("c{round}");
            self.messages.extend([
                json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": id, "type": "function",
                    "function": { "name": name, "arguments": arguments } }] }),
                json!({ "role": "tool", "tool_call_id": id, "content": result }),
            ]);
        }
        panic!("she goes round in circles: {answer}");
    }

    /// Each line with the answer that it must get.
    fn play(&mut self, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            assert_eq!(self.say(line), *expected, "to {line:?}");
        }
    }
}

const MOBILE: Option<&str> = Some("+12025550143");
