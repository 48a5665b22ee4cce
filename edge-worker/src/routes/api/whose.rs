//! Whose records a request is about, and the store's refusals as problems.
//!
//! `?site=` names a business. Without it, it is the one that answers where no other is named.

use front_desk::business::Business;
use worker::{Response, ResponseBuilder};

use super::{Answer, Ask, Failure, now, query};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::audit::{self, Deed};
use crate::store::database::Metered;
use crate::store::site::{self, Site};
use crate::ticket::SiteId;

/// A business with the database that its records are in.
pub(super) struct Whose {
    pub(super) db: Metered,
    pub(super) site: Site,
}

impl Whose {
    /// The business that a request is about.
    pub(super) async fn of(ask: &Ask) -> Result<Self, Failure> {
        let db = ask.db()?;
        let mut form = query::fields(ask)?;
        let named = form.optional("site", |text| {
            SiteId::parse(text).ok_or("must be a site's public name")
        });
        let named = form.finish(Some(named))?;
        let id = named
            .as_ref()
            .map_or(crate::site::DEFAULT, |named| named.as_str());
        let site = match site::load(&db, id).await {
            // A new installation begins with its first call or with the first look at it.
            Err(StoreError::NotFound) if id == crate::site::DEFAULT => {
                crate::site::find(&ask.env, id).await?;
                site::load(&db, id).await?
            }
            loaded => loaded?,
        };
        Ok(Self { db, site })
    }

    pub(super) fn business(&self) -> &Business {
        &self.site.business
    }

    pub(super) fn id(&self) -> &str {
        &self.site.business.id
    }

    /// Notes in the audit what was done.
    pub(super) async fn note(&self, ask: &Ask, action: &str, subject: &str) -> Result<(), Failure> {
        note(&self.db, ask, action, subject).await
    }
}

/// Notes in the audit what was done. It has been done, so that a note that fails is the log's business and not the visitor's.
pub(super) async fn note(
    db: &Metered,
    ask: &Ask,
    action: &str,
    subject: &str,
) -> Result<(), Failure> {
    let deed = Deed {
        at: now(),
        user: Some(&ask.visitor()?.id),
        action,
        subject,
        detail: "",
    };
    if let Err(error) = audit::note(db, &deed).await {
        worker::console_error!("{action} is not in the audit: {error}");
    }
    Ok(())
}

/// An answer as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    Ok(Response::from_json(value)?)
}

/// An answer that tells of something new.
pub(super) fn created(value: &impl serde::Serialize) -> Answer {
    Ok(ResponseBuilder::new().with_status(201).from_json(value)?)
}

/// An answer that says only that it was done.
pub(super) fn done() -> Answer {
    Ok(Response::empty()?.with_status(204))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(words) => Self::Runtime(worker::Error::RustError(words)),
            StoreError::Exists => Problem::conflict("exists", "there is one already").into(),
            StoreError::NotFound => Problem::not_found().into(),
            StoreError::Stale => {
                let why = "somebody has saved since: load it again and repeat the change";
                Problem::conflict("stale", why).into()
            }
            StoreError::Taken => {
                Problem::conflict("taken", "the time belongs to another booking").into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_refusals_are_problems_and_its_failures_are_not_told() {
        for (error, status, code) in [
            (StoreError::Exists, 409, "exists"),
            (StoreError::NotFound, 404, "not_found"),
            (StoreError::Stale, 409, "stale"),
            (StoreError::Taken, 409, "taken"),
        ] {
            let Failure::Problem(problem) = Failure::from(error.clone()) else {
                panic!("{error:?}");
            };
            assert_eq!((problem.status(), problem.code()), (status, code));
        }
        let failure = StoreError::Database("no such table".to_owned()).into();
        assert!(matches!(failure, Failure::Runtime(_)));
    }
}
