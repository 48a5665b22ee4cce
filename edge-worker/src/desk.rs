//! The front desk: what the model wants done for a caller, decided by the business's rules and kept in the record.
//!
//! Whatever the model writes, what happens is decided here: arguments are checked against the business, times against what is booked, and
//! whose appointment it is against the caller's name and number. The answer is for the model; it never breaks off a call.

use front_desk::booking::{self, Booking, Claim, Refusal, Request, Status};
use front_desk::business::Business;
use front_desk::prompt;
use front_desk::text::{Name, Phone};
use front_desk::tool::{self, Message, Move, Outcome, Question, Tool};
use voice_core::sentence::OPENINGS;
use voice_core::tools::{Call, Offer};
use worker::Env;

use crate::store::{self, Database, StoreError};

/// For whom something is done, and when.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    pub business: &'a Business,
    pub call: &'a str,
    /// The turn in which it was asked for. The same request of the same turn is one request.
    pub turn: u32,
    /// The number of a caller by telephone.
    pub caller: Option<&'a str>,
    /// Random: what is made of this is called so.
    pub id: &'a str,
    /// Milliseconds since 1970.
    pub now: i64,
}

impl Errand<'_> {
    fn calling(&self) -> Option<Phone> {
        Phone::parse(self.caller?, &self.business.country).ok()
    }
}

/// What this business can do for a caller.
#[must_use]
pub fn offers(business: &Business) -> Vec<Offer> {
    let definitions = tool::definitions(business).into_iter();
    definitions
        .map(|definition| Offer {
            name: definition.name.to_owned(),
            description: definition.description.to_owned(),
            parameters: definition.parameters.to_string(),
        })
        .collect()
}

/// What the model is told before a call.
#[must_use]
pub fn instructions(business: &Business, knows_number: bool, now: i64) -> String {
    prompt::instructions(business, now, knows_number, &OPENINGS)
}

/// What the model is told when something broke or took too long.
#[must_use]
pub fn failed() -> String {
    Outcome::failed().to_json()
}

/// Does what a call of the model's asks for, and tells what came of it.
pub(crate) async fn carry_out(env: &Env, errand: &Errand<'_>, call: &Call) -> String {
    let done = match env.d1("DB") {
        Ok(db) => serve(&db, errand, call).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(outcome) => outcome.to_json(),
        Err(error) => {
            worker::console_error!("call {}: {} failed: {error}", errand.call, call.name);
            failed()
        }
    }
}

/// The same with any database.
pub async fn serve(
    db: &impl Database,
    errand: &Errand<'_>,
    call: &Call,
) -> Result<Outcome, StoreError> {
    let business = errand.business;
    let tool = match tool::parse(business, errand.now, &call.name, &call.arguments) {
        Ok(tool) => tool,
        Err(error) => return Ok(Outcome::bad_argument(&error)),
    };
    match tool {
        Tool::BookAppointment(request) => book(db, errand, request).await,
        Tool::CancelAppointment(claim) => cancel(db, errand, &claim).await,
        Tool::CheckAvailability(question) => check(db, errand, &question).await,
        Tool::RescheduleAppointment(wanted) => reschedule(db, errand, &wanted).await,
        Tool::TakeMessage(message) => take(db, errand, &message).await,
    }
}

async fn check(
    db: &impl Database,
    errand: &Errand<'_>,
    question: &Question,
) -> Result<Outcome, StoreError> {
    let Errand { business, now, .. } = *errand;
    let span = booking::span(business, question.date, now);
    let busy = store::booking::busy(db, &business.id, span).await?;
    let Question {
        service,
        date,
        wanted,
    } = question;
    let found = booking::check(business, service, *date, *wanted, &busy, now);
    Ok(Outcome::availability(business, &found))
}

async fn book(
    db: &impl Database,
    errand: &Errand<'_>,
    mut request: Request,
) -> Result<Outcome, StoreError> {
    let Errand { business, now, .. } = *errand;
    // Without another number it is the one that calls: with it the caller can cancel later.
    request.phone = request.phone.or_else(|| errand.calling());
    let span = booking::span(business, Some(request.date), now);
    let busy = store::booking::busy(db, &business.id, span).await?;
    let start = business.zone.instant(request.date, request.time);
    // A model that did not hear that it had booked books again.
    let made = store::booking::of_call(db, &business.id, errand.call).await?;
    let again = made.iter().find(|made| {
        made.status == Status::Booked
            && made.service == request.service
            && Some(made.starts_at) == start
            && made.name == request.name.as_str()
    });
    if let Some(booking) = again.and_then(known) {
        return Ok(Outcome::booked(business, &booking));
    }
    let new = match booking::decide_booking(business, &request, &busy, now) {
        Ok(new) => new,
        Err(refusal) => return Ok(Outcome::refused(business, &refusal)),
    };
    let key = format!(
        "{}:{}:{}:{}",
        errand.call, errand.turn, new.service, new.starts_at
    );
    let wanted = store::booking::NewBooking {
        id: errand.id,
        site: &business.id,
        service: &new.service,
        service_name: &new.service_name,
        price: new.price,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        name: new.name.as_str(),
        phone: new.phone.as_ref().map(Phone::as_str),
        note: "",
    };
    let today = today(errand);
    let asked = keyed(errand, &key, &today);
    match store::booking::book(db, &asked, &wanted).await {
        Ok(booked) => Ok(known(&booked)
            .map_or_else(Outcome::failed, |booked| Outcome::booked(business, &booked))),
        Err(StoreError::Taken) => {
            let busy = store::booking::busy(db, &business.id, span).await?;
            let Request {
                service,
                date,
                time,
                ..
            } = &request;
            let refusal = booking::taken(business, service, *date, *time, &busy, now);
            Ok(Outcome::refused(business, &refusal))
        }
        Err(error) => Err(error),
    }
}

async fn cancel(
    db: &impl Database,
    errand: &Errand<'_>,
    claim: &Claim,
) -> Result<Outcome, StoreError> {
    let Errand { business, now, .. } = *errand;
    let own = match own(db, errand, claim).await? {
        Ok(own) => own,
        Err(refusal) => return Ok(Outcome::refused(business, &refusal)),
    };
    let cancelled = store::booking::cancel(db, &business.id, &own.id, now).await?;
    Ok(known(&cancelled).map_or_else(Outcome::failed, |booking| {
        Outcome::cancelled(business, &booking)
    }))
}

async fn reschedule(
    db: &impl Database,
    errand: &Errand<'_>,
    wanted: &Move,
) -> Result<Outcome, StoreError> {
    let Errand { business, now, .. } = *errand;
    let own = match own(db, errand, &wanted.claim).await? {
        Ok(own) => own,
        Err(refusal) => return Ok(Outcome::refused(business, &refusal)),
    };
    let date = wanted
        .date
        .unwrap_or_else(|| business.zone.today(own.starts_at));
    let span = booking::span(business, Some(date), now);
    let busy = store::booking::busy(db, &business.id, span).await?;
    let to = match booking::decide_move(business, &own, Some(date), wanted.time, &busy, now) {
        Ok(to) => to,
        Err(refusal) => return Ok(Outcome::refused(business, &refusal)),
    };
    match store::booking::reschedule(db, &business.id, &own.id, to, now).await {
        Ok(moved) => Ok(known(&moved).map_or_else(Outcome::failed, |booking| {
            Outcome::moved(business, &booking)
        })),
        Err(StoreError::Taken) => {
            let busy = store::booking::busy(db, &business.id, span).await?;
            let refusal = booking::taken(business, &own.service, date, wanted.time, &busy, now);
            Ok(Outcome::refused(business, &refusal))
        }
        Err(error) => Err(error),
    }
}

async fn take(
    db: &impl Database,
    errand: &Errand<'_>,
    message: &Message,
) -> Result<Outcome, StoreError> {
    let calling = errand.calling();
    let phone = message.phone.as_ref().or(calling.as_ref());
    // A model that did not hear that it had passed it on passes it on again.
    let kept = store::message::of_call(db, &errand.business.id, errand.call).await?;
    let new = store::message::NewMessage {
        id: errand.id,
        site: &errand.business.id,
        call: errand.call,
        name: message.name.as_ref().map_or("", Name::as_str),
        phone: phone.map(Phone::as_str),
        text: message.text.as_str(),
    };
    let is_kept = |kept: &store::message::Message| {
        (
            kept.text.as_str(),
            kept.name.as_str(),
            kept.phone.as_deref(),
        ) == (new.text, new.name, new.phone)
    };
    if kept.iter().any(is_kept) {
        return Ok(Outcome::message_taken());
    }
    // One thing is done after the other in a call, so the next message of a turn has another number.
    let key = format!("{}:{}:message:{}", errand.call, errand.turn, kept.len());
    store::message::take(db, &keyed(errand, &key, &today(errand)), &new).await?;
    Ok(Outcome::message_taken())
}

/// The caller's own appointment, or why none can be told to be.
async fn own(
    db: &impl Database,
    errand: &Errand<'_>,
    claim: &Claim,
) -> Result<Result<Booking, Refusal>, StoreError> {
    let Errand { business, now, .. } = *errand;
    let calling = errand.calling();
    let phone = claim.phone.as_ref().or(calling.as_ref());
    let stored = match phone {
        Some(phone) => store::booking::of_phone(db, &business.id, phone.as_str(), now).await?,
        None => Vec::new(),
    };
    let bookings: Vec<Booking> = stored.iter().filter_map(known).collect();
    let found = booking::find_own(business, &bookings, claim, calling.as_ref(), now);
    Ok(found.cloned())
}

/// A booking of the store's, unless its person was forgotten.
fn known(stored: &store::booking::Booking) -> Option<Booking> {
    Some(Booking {
        id: stored.id.clone(),
        service: stored.service.clone(),
        service_name: stored.service_name.clone(),
        price: stored.price,
        starts_at: stored.starts_at,
        ends_at: stored.ends_at,
        name: Name::parse(&stored.name).ok()?,
        // Kept as the international number that it was parsed to.
        phone: stored
            .phone
            .as_deref()
            .and_then(|phone| Phone::parse(phone, "").ok()),
        status: stored.status,
        created_at: stored.made_at,
        changed_at: stored.changed_at,
        sequence: stored.sequence,
    })
}

fn today(errand: &Errand<'_>) -> String {
    errand.business.zone.today(errand.now).to_string()
}

const fn keyed<'a>(
    errand: &Errand<'a>,
    key: &'a str,
    today: &'a str,
) -> store::booking::Request<'a> {
    store::booking::Request {
        key,
        call: Some(errand.call),
        now: errand.now,
        today,
    }
}

#[cfg(test)]
mod tests;
