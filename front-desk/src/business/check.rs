//! What a business must be like before it is kept.

use std::collections::BTreeSet;

use super::{Agent, Business, Fault, Limits, Policies, SERVICE_NAME, Service, core_of};
use crate::text::{Line, Phone, TextError, clean_line, clean_lines};

pub(super) fn checked(mut business: Business) -> Result<Business, Vec<Fault>> {
    let mut faults = Vec::new();
    check_id("id", &business.id, &mut faults);
    business.name = line::<80>("name", &business.name, true, &mut faults);
    business.kind = line::<80>("kind", &business.kind, false, &mut faults);
    business.country.make_ascii_uppercase();
    if business.country.len() != 2
        || !business
            .country
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic())
    {
        faults.push(Fault::new(
            "country",
            "must be a country's code of two letters, such as US or GB",
        ));
    }
    check_services(&mut business.services, &mut faults);
    business.hours.check(&mut faults);
    check_policies(business.policies, &mut faults);
    check_agent(&mut business.agent, &business.country, &mut faults);
    check_limits(business.limits, &mut faults);
    if faults.is_empty() {
        Ok(business)
    } else {
        Err(faults)
    }
}

fn check_services(services: &mut [Service], faults: &mut Vec<Fault>) {
    if services.len() > SERVICES {
        faults.push(Fault::new(
            "services",
            format!("at most {SERVICES} can be offered"),
        ));
        return;
    }
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (index, service) in services.iter_mut().enumerate() {
        let field = |name: &str| format!("services[{index}].{name}");
        check_id(&field("id"), &service.id, faults);
        if !ids.insert(service.id.clone()) {
            faults.push(Fault::new(field("id"), "is there twice"));
        }
        service.name = line::<SERVICE_NAME>(&field("name"), &service.name, true, faults);
        if service.name.contains([',', ';', ':', '"']) {
            faults.push(Fault::new(
                field("name"),
                "must have no comma, semicolon, colon or quotation mark: it is said in a list",
            ));
        }
        if !names.insert(core_of(&service.name)) {
            faults.push(Fault::new(field("name"), "sounds like another service"));
        }
        if !(MINUTES.0..=MINUTES.1).contains(&service.minutes) {
            faults.push(Fault::new(
                field("minutes"),
                format!("must be {} to {} minutes", MINUTES.0, MINUTES.1),
            ));
        }
        if !(0..=PRICE).contains(&service.price) {
            faults.push(Fault::new(
                field("price"),
                format!("must be 0 to {PRICE}, in the smallest unit of the currency"),
            ));
        }
    }
}

fn check_policies(policies: Policies, faults: &mut Vec<Fault>) {
    let mut within = |field: &str, value: u32, (least, most): (u32, u32)| {
        if !(least..=most).contains(&value) {
            faults.push(Fault::new(
                format!("policies.{field}"),
                format!("must be {least} to {most}"),
            ));
        }
    };
    within("lead_minutes", policies.lead_minutes, LEAD_MINUTES);
    within(
        "horizon_days",
        u32::from(policies.horizon_days),
        HORIZON_DAYS,
    );
    within(
        "step_minutes",
        u32::from(policies.step_minutes),
        STEP_MINUTES,
    );
}

fn check_agent(agent: &mut Agent, country: &str, faults: &mut Vec<Fault>) {
    agent.name = line::<40>("agent.name", &agent.name, true, faults);
    agent.greeting = line::<400>("agent.greeting", &agent.greeting, true, faults);
    agent.tone = line::<200>("agent.tone", &agent.tone, false, faults);
    match clean_lines(&agent.notes, NOTES) {
        Ok(notes) => agent.notes = notes,
        Err(error) => faults.push(Fault::new("agent.notes", error.to_string())),
    }
    let number = agent.transfer_number.take().unwrap_or_default();
    match Phone::parse(&number, country) {
        _ if number.trim().is_empty() => {}
        Ok(phone) if phone.as_str().starts_with('+') => {
            agent.transfer_number = Some(phone.as_str().to_owned());
        }
        _ => faults.push(Fault::new(
            "agent.transfer_number",
            "must be a telephone number with its country's code, such as +12025550143",
        )),
    }
}

fn check_limits(limits: Limits, faults: &mut Vec<Fault>) {
    let mut within = |field: &str, limit: Option<u32>, (least, most): (u32, u32), what: &str| {
        if limit.is_some_and(|limit| !(least..=most).contains(&limit)) {
            faults.push(Fault::new(
                format!("limits.{field}"),
                format!("must be {least} to {most} {what} a day, or nothing for no limit"),
            ));
        }
    };
    within(
        "minutes_a_day",
        limits.minutes_a_day,
        MINUTES_A_DAY,
        "minutes",
    );
    within("tokens_a_day", limits.tokens_a_day, TOKENS_A_DAY, "tokens");
}

fn check_id(field: &str, id: &str, faults: &mut Vec<Fault>) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
        faults.push(Fault::new(
            field,
            "must be 1 to 64 lower-case letters, digits and hyphens",
        ));
    }
}

fn line<const MOST: usize>(
    field: &str,
    text: &str,
    required: bool,
    faults: &mut Vec<Fault>,
) -> String {
    match clean_line::<MOST>(text) {
        Ok(None) if required => faults.push(Fault::new(field, TextError::Empty.to_string())),
        Ok(line) => return line.map(Line::into_string).unwrap_or_default(),
        Err(error) => faults.push(Fault::new(field, error.to_string())),
    }
    String::new()
}

/// All are named in every prompt; a longer list costs time in each turn.
const SERVICES: usize = 50;

/// Five minutes to a working day: longer ones would need several days.
const MINUTES: (u16, u16) = (5, 12 * 60);

/// A million in a currency with cents. Sums of millions of bookings stay exact in JSON.
const PRICE: i64 = 100_000_000;

/// At the most, seventy lines that are busy all day long. Without a minute nobody would ever be answered: for that there is the owner's switch.
const MINUTES_A_DAY: (u32, u32) = (1, 100_000);

/// At the most, about what those lines would use up.
const TOKENS_A_DAY: (u32, u32) = (1, 1_000_000_000);

/// At most four weeks.
const LEAD_MINUTES: (u32, u32) = (0, 28 * 24 * 60);

/// At most a year: a day said without its year must have one meaning.
const HORIZON_DAYS: (u32, u32) = (1, 365);

/// Finer steps make lists of times that nobody can hear out.
const STEP_MINUTES: (u32, u32) = (5, 240);

/// Characters of notes: about 1000 tokens in each request to the model.
const NOTES: usize = 4000;
