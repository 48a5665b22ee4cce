//! Businesses: one document for what only she reads, tables for services and opening hours. Loaded whole, saved whole.

use front_desk::business::{Business, Service};
use front_desk::{Date, Weekday};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::database::{Answer, row_of, rows_of};
use super::{Database, Query, StoreError};

/// A business as it is kept, with what is not hers to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub business: Business,
    /// To be given back with a save.
    pub version: i64,
    /// Made up, with all its records.
    pub demo: bool,
    /// Days that personal data is kept; none: for ever.
    pub retention_days: Option<u32>,
    pub calendar_token: String,
}

/// A business in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    pub id: String,
    pub name: String,
    #[serde(deserialize_with = "flag")]
    pub demo: bool,
}

/// What a new business begins with, besides its settings.
#[derive(Clone, Copy, Debug)]
pub struct NewSite<'a> {
    /// Opens its calendar: random, and long enough that nobody guesses it.
    pub calendar_token: &'a str,
    pub demo: bool,
    pub now: i64,
}

impl<'a> NewSite<'a> {
    /// A business that exists.
    #[must_use]
    pub const fn real(calendar_token: &'a str, now: i64) -> Self {
        Self {
            calendar_token,
            demo: false,
            now,
        }
    }
}

/// Begins a business; [`StoreError::Exists`] if there is one of this id.
pub async fn create(
    db: &impl Database,
    business: &Business,
    new: &NewSite<'_>,
) -> Result<(), StoreError> {
    let insert = Query::new(INSERT)
        .bind(&business.id)
        .bind(settings_of(business)?)
        .bind(new.demo)
        .bind(new.calendar_token)
        .bind(new.now);
    let mut batch = vec![insert];
    batch.extend(parts_of(business)?);
    db.batch(batch).await.map(drop)
}

/// The business of this id.
pub async fn load(db: &impl Database, id: &str) -> Result<Site, StoreError> {
    let answers = db.batch(loading(id)).await?;
    let row: Row = row_of(&answers, 0)?.ok_or(StoreError::NotFound)?;
    let services: Vec<Service> = rows_of(&answers, 1)?;
    let hours = hours_from(
        &rows_of(&answers, 2)?,
        &rows_of(&answers, 3)?,
        &rows_of(&answers, 4)?,
    );
    let mut settings: Map<String, Json> =
        serde_json::from_str(&row.settings).map_err(unreadable)?;
    settings.insert("id".to_owned(), id.into());
    settings.insert(
        "services".to_owned(),
        serde_json::to_value(services).map_err(unreadable)?,
    );
    settings.insert("hours".to_owned(), hours);
    Ok(Site {
        business: serde_json::from_value(Json::Object(settings)).map_err(unreadable)?,
        version: row.version,
        demo: row.demo,
        retention_days: row.retention_days,
        calendar_token: row.calendar_token,
    })
}

/// Saves a business as a whole. `version` is that of the one it was made from: [`StoreError::Stale`] if another has been saved since.
/// `retention_days` is how long personal data is kept from now on, if that changes. Gives the new version.
pub async fn save(
    db: &impl Database,
    business: &Business,
    version: i64,
    retention_days: Option<Option<u32>>,
    now: i64,
) -> Result<i64, StoreError> {
    let next = version.saturating_add(1);
    let update = Query::new(SAVE)
        .bind(&business.id)
        .bind(settings_of(business)?)
        .bind(next)
        .bind(now);
    let mut batch = vec![update];
    for sql in [DELETE_SERVICES, DELETE_HOURS, DELETE_EXCEPTIONS] {
        batch.push(Query::new(sql).bind(&business.id));
    }
    batch.extend(parts_of(business)?);
    batch.extend(retention_days.map(|days| keeping_for(&business.id, days, now)));
    let answers = db.batch(batch).await?;
    // Without a site there is nothing its parts may belong to, so either this or the batch itself says so.
    if answers.first().is_some_and(Answer::changed) {
        Ok(next)
    } else {
        Err(StoreError::NotFound)
    }
}

/// Sets how many days personal data is kept; none: for ever.
pub(super) fn keeping_for(id: &str, days: Option<u32>, now: i64) -> Query {
    Query::new(SET_RETENTION).bind(id).bind(days).bind(now)
}

/// Gives the calendar a new address; the old one leads nowhere from now on.
pub async fn renew_calendar(
    db: &impl Database,
    id: &str,
    token: &str,
    now: i64,
) -> Result<(), StoreError> {
    let update = Query::new(SET_CALENDAR).bind(id).bind(token).bind(now);
    found(&db.run(update).await?)
}

/// Whose calendar this token opens.
pub async fn of_calendar(db: &impl Database, token: &str) -> Result<String, StoreError> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let row: Option<Id> = db.first(Query::new(BY_CALENDAR).bind(token)).await?;
    row.map(|row| row.id).ok_or(StoreError::NotFound)
}

/// The businesses there are, those that exist first.
pub async fn list(db: &impl Database) -> Result<Vec<Entry>, StoreError> {
    db.all(Query::new(LIST)).await
}

fn found(answer: &impl Answer) -> Result<(), StoreError> {
    answer.changed().then_some(()).ok_or(StoreError::NotFound)
}

#[derive(Deserialize)]
struct Row {
    settings: String,
    version: i64,
    #[serde(deserialize_with = "flag")]
    demo: bool,
    retention_days: Option<u32>,
    calendar_token: String,
}

#[derive(Deserialize)]
struct HoursRow {
    weekday: usize,
    opens: u16,
    closes: u16,
}

#[derive(Deserialize)]
struct ExceptionRow {
    day: String,
    reason: String,
}

#[derive(Deserialize)]
struct ExceptionHoursRow {
    day: String,
    opens: u16,
    closes: u16,
}

/// SQLite has no truth values.
pub(super) fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    i64::deserialize(deserializer).map(|number| number != 0)
}

fn loading(id: &str) -> Vec<Query> {
    [SITE, SERVICES, HOURS, EXCEPTIONS, EXCEPTION_HOURS]
        .map(|sql| Query::new(sql).bind(id))
        .into()
}

fn settings_of(business: &Business) -> Result<String, StoreError> {
    let mut settings = serde_json::to_value(business).map_err(unreadable)?;
    if let Some(settings) = settings.as_object_mut() {
        for part in ["id", "services", "hours"] {
            settings.remove(part);
        }
    }
    Ok(settings.to_string())
}

/// What a business has in tables of its own.
fn parts_of(business: &Business) -> Result<Vec<Query>, StoreError> {
    let week = WEEK.iter().zip(1..).flat_map(|((weekday, _), number)| {
        let open = business.hours.of(*weekday).iter();
        open.map(move |open| json!({ "weekday": number, "opens": open.from.minutes(), "closes": open.to.minutes() }))
    });
    let exceptions = &business.hours.exceptions;
    let exception_hours = exceptions.iter().flat_map(|exception| {
        let open = exception.open.iter();
        open.map(|open| json!({ "day": exception.date, "opens": open.from.minutes(), "closes": open.to.minutes() }))
    });
    let exception_days = exceptions
        .iter()
        .map(|exception| json!({ "day": exception.date, "reason": exception.reason }));
    let services = serde_json::to_string(&business.services).map_err(unreadable)?;
    let insert = |sql: &'static str, rows: String| Query::new(sql).bind(&business.id).bind(rows);
    Ok(vec![
        insert(INSERT_SERVICES, services),
        insert(INSERT_HOURS, week.collect::<Json>().to_string()),
        insert(
            INSERT_EXCEPTIONS,
            exception_days.collect::<Json>().to_string(),
        ),
        insert(
            INSERT_EXCEPTION_HOURS,
            exception_hours.collect::<Json>().to_string(),
        ),
    ])
}

fn hours_from(
    week: &[HoursRow],
    exceptions: &[ExceptionRow],
    exception_hours: &[ExceptionHoursRow],
) -> Json {
    let interval = |opens: u16, closes: u16| json!({ "from": clock(opens), "to": clock(closes) });
    let mut hours = Map::new();
    for ((_, name), number) in WEEK.iter().zip(1..) {
        let open = week.iter().filter(|row| row.weekday == number);
        hours.insert(
            (*name).to_owned(),
            open.map(|row| interval(row.opens, row.closes)).collect(),
        );
    }
    let exception = |row: &ExceptionRow| {
        let open = exception_hours.iter().filter(|open| open.day == row.day);
        let open: Json = open.map(|open| interval(open.opens, open.closes)).collect();
        json!({ "date": row.day, "open": open, "reason": row.reason })
    };
    hours.insert(
        "exceptions".to_owned(),
        exceptions.iter().map(exception).collect(),
    );
    Json::Object(hours)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A day as its column has it.
#[must_use]
pub fn day_text(day: Date) -> String {
    day.to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Database(format!("a business that cannot be read: {error}"))
}

const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];

const INSERT: &str = "INSERT INTO sites (id, settings, demo, calendar_token, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
const SAVE: &str = "UPDATE sites SET settings = ?2, version = ?3, updated_at = ?4 WHERE id = ?1";
const SET_RETENTION: &str = "UPDATE sites SET retention_days = ?2, updated_at = ?3 WHERE id = ?1";
const SET_CALENDAR: &str = "UPDATE sites SET calendar_token = ?2, updated_at = ?3 WHERE id = ?1";
const BY_CALENDAR: &str = "SELECT id FROM sites WHERE calendar_token = ?1";
// A handful: one installation serves the businesses of one owner. No index could give their order.
const LIST: &str =
    "SELECT id, settings ->> 'name' AS name, demo FROM sites ORDER BY demo, id LIMIT 200";
const SITE: &str =
    "SELECT settings, version, demo, retention_days, calendar_token FROM sites WHERE id = ?1";
// A business that was checked has far fewer of each.
const SERVICES: &str =
    "SELECT id, name, minutes, price FROM services WHERE site = ?1 ORDER BY position LIMIT 200";
const HOURS: &str =
    "SELECT weekday, opens, closes FROM hours WHERE site = ?1 ORDER BY weekday, opens LIMIT 200";
const EXCEPTIONS: &str =
    "SELECT day, reason FROM exceptions WHERE site = ?1 ORDER BY day LIMIT 200";
const EXCEPTION_HOURS: &str =
    "SELECT day, opens, closes FROM exception_hours WHERE site = ?1 ORDER BY day, opens LIMIT 1200";
const DELETE_SERVICES: &str = "DELETE FROM services WHERE site = ?1";
const DELETE_HOURS: &str = "DELETE FROM hours WHERE site = ?1";
const DELETE_EXCEPTIONS: &str = "DELETE FROM exceptions WHERE site = ?1";
const INSERT_SERVICES: &str = "INSERT INTO services (site, position, id, name, minutes, price) \
    SELECT ?1, key, value ->> 'id', value ->> 'name', value ->> 'minutes', value ->> 'price' FROM json_each(?2)";
const INSERT_HOURS: &str = "INSERT INTO hours (site, weekday, opens, closes) \
    SELECT ?1, value ->> 'weekday', value ->> 'opens', value ->> 'closes' FROM json_each(?2)";
const INSERT_EXCEPTIONS: &str = "INSERT INTO exceptions (site, day, reason) \
    SELECT ?1, value ->> 'day', value ->> 'reason' FROM json_each(?2)";
const INSERT_EXCEPTION_HOURS: &str = "INSERT INTO exception_hours (site, day, opens, closes) \
    SELECT ?1, value ->> 'day', value ->> 'opens', value ->> 'closes' FROM json_each(?2)";

#[cfg(test)]
mod tests {
    use front_desk::hours::{Exception, Interval, TimeOfDay};

    use super::*;
    use crate::store::sqlite::{NOW, Sqlite, now};

    fn interval(from: u16, to: u16) -> Interval {
        let time = |hour| TimeOfDay::new(hour, 0).unwrap();
        Interval {
            from: time(from),
            to: time(to),
        }
    }

    fn varied() -> Business {
        let mut business = Business::demo();
        business.hours.saturday = vec![interval(9, 12), interval(13, 24)];
        business.hours.exceptions = vec![
            Exception {
                date: "2026-11-26".parse().unwrap(),
                open: vec![],
                reason: "Thanksgiving".to_owned(),
            },
            Exception {
                date: "2026-12-24".parse().unwrap(),
                open: vec![interval(9, 10), interval(11, 12)],
                reason: String::new(),
            },
        ];
        business.services.reverse();
        business.limits.tokens_a_day = Some(1_000_000);
        business
    }

    #[test]
    fn a_business_comes_back_as_it_was_saved() {
        let db = Sqlite::empty();
        let first = Business::demo();
        now(create(&db, &first, &NewSite::real("token", NOW))).unwrap();
        let site = now(load(&db, &first.id)).unwrap();
        assert_eq!(
            (&site.business, site.version, site.demo),
            (&first, 1, false)
        );

        let second = varied();
        assert_eq!(now(save(&db, &second, 1, None, NOW)), Ok(2));
        let site = now(load(&db, &first.id)).unwrap();
        assert_eq!((site.business, site.version), (second, 2));
        for query in loading(&first.id) {
            // Services are few, and their order is not their key's.
            if query.sql != SERVICES {
                db.assert_indexed(&query);
            }
        }
    }

    #[test]
    fn a_save_over_another_changes_nothing() {
        let db = Sqlite::with_practice();
        now(save(&db, &varied(), 1, None, NOW)).unwrap();
        let mut late = Business::demo();
        late.services.clear();
        assert_eq!(now(save(&db, &late, 1, None, NOW)), Err(StoreError::Stale));
        assert_eq!(now(load(&db, &late.id)).unwrap().business, varied());
    }

    #[test]
    fn what_is_not_there_is_said_to_be_missing() {
        let db = Sqlite::with_practice();
        let mut stranger = Business::demo();
        stranger.id = "stranger".to_owned();
        stranger.services.clear();
        stranger.hours = front_desk::hours::Hours::default();
        assert_eq!(
            now(save(&db, &stranger, 1, None, NOW)),
            Err(StoreError::NotFound)
        );
        assert_eq!(now(load(&db, "stranger")), Err(StoreError::NotFound));
        assert_eq!(now(of_calendar(&db, "guess")), Err(StoreError::NotFound));
    }

    #[test]
    fn a_business_begins_once() {
        let db = Sqlite::with_practice();
        let again = now(create(&db, &varied(), &NewSite::real("other", NOW)));
        assert_eq!(again, Err(StoreError::Exists));
        assert_eq!(
            now(load(&db, "demo-dental")).unwrap().business,
            Business::demo()
        );
    }

    #[test]
    fn a_calendar_has_one_address() {
        let db = Sqlite::with_practice();
        assert_eq!(now(of_calendar(&db, "token")).unwrap(), "demo-dental");
        now(renew_calendar(&db, "demo-dental", "another", NOW)).unwrap();
        assert_eq!(now(of_calendar(&db, "token")), Err(StoreError::NotFound));
        assert_eq!(now(of_calendar(&db, "another")).unwrap(), "demo-dental");
        db.assert_indexed(&Query::new(BY_CALENDAR).bind("x"));
        // That is no change of settings: whoever has them open may still save them.
        assert_eq!(now(load(&db, "demo-dental")).unwrap().version, 1);
    }

    #[test]
    fn how_long_records_are_kept_is_saved_with_the_rest_or_not_at_all() {
        let db = Sqlite::with_practice();
        let practice = Business::demo();
        let kept = || now(load(&db, "demo-dental")).unwrap().retention_days;
        for (version, days) in [(1, Some(30)), (2, None), (3, Some(3_650))] {
            now(save(&db, &practice, version, Some(days), NOW)).unwrap();
            assert_eq!(kept(), days);
        }
        now(save(&db, &practice, 4, None, NOW)).unwrap();
        assert_eq!(kept(), Some(3_650));
        assert!(now(save(&db, &practice, 5, Some(Some(0)), NOW)).is_err());
        let stale = now(save(&db, &practice, 1, Some(None), NOW));
        assert_eq!(stale, Err(StoreError::Stale));
        let site = now(load(&db, "demo-dental")).unwrap();
        assert_eq!((site.version, site.retention_days), (5, Some(3_650)));
    }

    #[test]
    fn hostile_settings_are_text_like_any_other() {
        let db = Sqlite::with_practice();
        let mut business = Business::demo();
        for text in crate::store::booking::tests::HOSTILE {
            business.name = text.to_owned();
            business.services[0].name = text.to_owned();
            let version = now(load(&db, &business.id)).unwrap().version;
            now(save(&db, &business, version, None, NOW)).unwrap();
            assert_eq!(now(load(&db, &business.id)).unwrap().business, business);
            assert_eq!(now(list(&db)).unwrap()[0].name, text);
        }
    }
}
