//! What an owner decides about the business: loaded whole, saved whole, by version.

use front_desk::business::Business;
use serde_json::Value;
use worker::Method;

use super::show::Show;
use super::types::Settings;
use super::whose::{Whose, json};
use super::{Answer, Ask, Failure, Guard, Route, now};
use crate::problem::{FieldError, Problem};
use crate::store::site::{self, Site};
use crate::warden::{self, Terms};

mod form;

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/settings", Guard::Viewer, |ask| {
        Box::pin(show(ask))
    }),
    Route::new(Method::Put, "/api/settings", Guard::Owner, |ask| {
        Box::pin(save(ask))
    }),
];

/// The longest settings: fifty services, two hundred exceptions and all texts at their longest are half of it.
const SETTINGS_MAX: usize = 65_536;

/// Days for which personal data can be kept, as the schema has it: ten years.
const RETENTION_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

/// Versions that D1 can be asked for: numbers travel to it as JavaScript's, which are exact so far.
const VERSIONS: std::ops::Range<i64> = 0..1 << 53;

async fn show(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    shown(&whose.site)
}

/// `{version, business, retention_days?}`. `version` is that of the settings it was made from. Without `retention_days` they stay.
async fn save(mut ask: Ask) -> Answer {
    let body = ask.json(SETTINGS_MAX).await?;
    let whose = Whose::of(&ask).await?;
    let wanted = read(body, whose.id())?;
    let (db, now) = (&whose.db, now());
    let kept = wanted.retention_days;
    let version = site::save(db, &wanted.business, wanted.version, kept, now).await?;
    whose.note(&ask, "settings.save", whose.id()).await?;
    hold(&ask, &wanted.business, now).await;
    shown(&Site {
        business: wanted.business,
        version,
        retention_days: kept.unwrap_or(whose.site.retention_days),
        ..whose.site
    })
}

/// Limits hold from now on: a raised one ends Safe Mode at once. A warden that misses it learns of them from the next page that asks or the next call.
async fn hold(ask: &Ask, business: &Business, now: i64) {
    if let Err(error) = warden::state(&ask.env, &Terms::of(business, now)).await {
        worker::console_warn!("the warden was not told of new limits: {error}");
    }
}

fn shown(site: &Site) -> Answer {
    let show = Show(&site.business);
    json(&Settings {
        site: show.site(site),
        version: site.version,
        business: site.business.clone(),
        retention_days: site.retention_days,
        minor_digits: site.business.currency.minor_digits(),
    })
}

#[derive(Debug)]
struct Wanted {
    version: i64,
    business: Business,
    /// None: not spoken of. None within: for ever.
    retention_days: Option<Option<u32>>,
}

fn read(body: Value, id: &str) -> Result<Wanted, Failure> {
    let Value::Object(mut given) = body else {
        return Err(Problem::bad_request("the body is not a JSON object").into());
    };
    let mut errors = Vec::new();
    let mut refuse = |field: &str, why: &str| {
        errors.push(FieldError {
            field: field.to_owned(),
            why: why.to_owned(),
        });
    };
    let version = match given.remove("version") {
        None | Some(Value::Null) => {
            refuse("version", "is missing");
            None
        }
        Some(version) => {
            let version = version
                .as_i64()
                .filter(|version| VERSIONS.contains(version));
            if version.is_none() {
                refuse("version", "must be the version that was loaded");
            }
            version
        }
    };
    let retention_days = match given.remove("retention_days") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(days) => {
            let days = days.as_u64().and_then(|days| u32::try_from(days).ok());
            let days = days.filter(|days| RETENTION_DAYS.contains(days));
            if days.is_none() {
                refuse("retention_days", "must be 1 to 3650 days, or null for ever");
            }
            Some(days)
        }
    };
    let business = match given.remove("business") {
        None | Some(Value::Null) => {
            refuse("business", "is missing");
            None
        }
        Some(Value::Object(business)) => match form::read(business, id) {
            Ok(business) => Some(business),
            Err(faults) => {
                errors.extend(faults.into_iter().map(|fault| FieldError {
                    field: format!("business.{}", fault.field),
                    why: fault.why,
                }));
                None
            }
        },
        Some(_) => {
            refuse("business", "must be an object");
            None
        }
    };
    match version.zip(business) {
        Some((version, business)) if errors.is_empty() => Ok(Wanted {
            version,
            business,
            retention_days,
        }),
        _ => Err(Problem::invalid(errors).into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(body: Value) -> Vec<String> {
        let Err(Failure::Problem(problem)) = read(body, "demo-dental") else {
            panic!("it is refused");
        };
        let told = serde_json::to_value(problem).unwrap();
        let errors = told["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn settings_come_back_as_they_were_shown() {
        let demo = Business::demo();
        let body = json!({ "version": 3, "business": demo });
        let wanted = read(body.clone(), "demo-dental").unwrap();
        assert_eq!(
            (wanted.version, wanted.business, wanted.retention_days),
            (3, demo, None)
        );
        for (days, kept) in [(json!(null), None), (json!(30), Some(30))] {
            let mut body = body.clone();
            body["retention_days"] = days;
            assert_eq!(
                read(body, "demo-dental").unwrap().retention_days,
                Some(kept)
            );
        }
    }

    #[test]
    fn every_fault_is_named() {
        let mut business = json!(Business::demo());
        business["services"][1]["price"] = json!(-1);
        for version in [json!("3"), json!(-1), json!(i64::MAX)] {
            let body = json!({ "version": version, "business": business, "retention_days": 0 });
            assert_eq!(
                fields(body),
                ["version", "retention_days", "business.services[1].price"]
            );
        }
        assert_eq!(fields(json!({})), ["version", "business"]);
        assert!(
            matches!(read(json!([]), "x"), Err(Failure::Problem(problem)) if problem.status() == 400)
        );
    }
}
