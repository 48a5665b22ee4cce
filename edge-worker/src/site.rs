//! The businesses she answers for: as D1 has them, and while it does not answer, as they were last.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use front_desk::business::Business;
use worker::{D1Database, Env};

use crate::clock::{unix_time, within};
use crate::problem::Problem;
use crate::store::{StoreError, site};
use crate::ticket::CallId;

/// The site of a page that names none, and of every telephone number.
pub const DEFAULT: &str = "demo-dental";

/// How long a caller waits for a business's own words. The greeting comes after this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most businesses that are remembered: each is a few kilobytes.
const REMEMBERED: usize = 64;

thread_local! {
    static LAST: RefCell<HashMap<String, Rc<Business>>> = RefCell::default();
}

/// The business of this public id.
pub(crate) async fn find(env: &Env, id: &str) -> Result<Rc<Business>, Problem> {
    let error = match within(PATIENCE, read(env, id)).await {
        Some(Ok(business)) => {
            let business = Rc::new(business);
            remember(id, &business);
            return Ok(business);
        }
        Some(Err(StoreError::NotFound)) => return Err(Problem::not_found()),
        Some(Err(error)) => error.to_string(),
        None => "no answer in time".to_owned(),
    };
    worker::console_error!("site {id} could not be read: {error}");
    let last = LAST.with_borrow(|last| last.get(id).cloned());
    let built_in = || (id == DEFAULT).then(|| Rc::new(Business::demo()));
    last.or_else(built_in).ok_or_else(Problem::not_found)
}

/// A new installation begins with a practice to try, which its owner changes.
async fn read(env: &Env, id: &str) -> Result<Business, StoreError> {
    let db = env.d1("DB")?;
    match site::load(&db, id).await {
        Err(StoreError::NotFound) if id == DEFAULT => begin(&db).await,
        stored => Ok(stored?.business),
    }
}

async fn begin(db: &D1Database) -> Result<Business, StoreError> {
    let business = Business::demo();
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|_| StoreError::Database("no randomness for a calendar's address".to_owned()))?;
    let token = CallId::from_random(random).to_string();
    let now = unix_time();
    match site::create(db, &business, &site::NewSite::real(&token, now)).await {
        // Another call has begun it.
        Ok(()) | Err(StoreError::Exists) => Ok(business),
        Err(error) => Err(error),
    }
}

fn remember(id: &str, business: &Rc<Business>) {
    LAST.with_borrow_mut(|last| {
        if last.len() >= REMEMBERED && !last.contains_key(id) {
            last.clear();
        }
        last.insert(id.to_owned(), Rc::clone(business));
    });
}
