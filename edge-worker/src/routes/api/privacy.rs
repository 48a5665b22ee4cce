//! Taking records away: those of one caller, and everything that was made up; which is also made here.

use worker::Method;

use super::query;
use super::types::Erased;
use super::whose::{Whose, done, json, note};
use super::{Answer, Ask, Guard, Route, now};
use crate::auth::random_id;
use crate::store::{demo, retention};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(
        Method::Delete,
        "/api/callers/{number}",
        Guard::Owner,
        |ask| Box::pin(forget(ask)),
    ),
    Route::new(Method::Post, "/api/demo", Guard::Owner, |ask| {
        Box::pin(make_demo(ask))
    }),
    Route::new(Method::Delete, "/api/demo", Guard::Owner, |ask| {
        Box::pin(remove_demo(ask))
    }),
];

/// Deletes what is known of whoever has a number. Done twice, it deletes nothing the second time.
async fn forget(ask: Ask) -> Answer {
    let whose = Whose::of(&ask).await?;
    let text = query::decoded(ask.parameter("number"));
    let number = query::number("number", &text, &whose.business().country)?;
    let erased = retention::erase(&whose.db, whose.id(), number.as_str(), now()).await?;
    // The audit does not keep what was to be forgotten.
    whose.note(&ask, "caller.erase", "").await?;
    json(&Erased {
        calls: erased.calls,
        messages: erased.messages,
        bookings: erased.bookings,
    })
}

/// Makes up a business with two months of records until now, in place of the one that was made up before.
async fn make_demo(ask: Ask) -> Answer {
    let db = ask.db()?;
    demo::fill(&db, &random_id()?, now()).await?;
    note(&db, &ask, "demo.fill", demo::SITE).await?;
    done()
}

/// Removes businesses that were made up, with all their records.
async fn remove_demo(ask: Ask) -> Answer {
    let db = ask.db()?;
    demo::clear(&db).await?;
    note(&db, &ask, "demo.remove", "").await?;
    done()
}
