//! Every statement about users, sessions, guesses and their audit. They are texts, so that a test can run them on the schema.
//!
//! What must not be raced is one statement: the first owner, the last owner, a guess. A statement that follows in the same batch
//! asks whether the one before it came about.

/// ?1 now, ?2 user, ?3 action, ?4 subject. Behind the statement it tells of.
pub(super) const AUDIT: &str =
    "INSERT INTO audit (at, user_id, action, subject) SELECT ?1, ?2, ?3, ?4 WHERE changes() > 0";

/// ?1 id, ?2 e-mail, ?3 name, ?4 password's hash, ?5 now. Makes the first owner, or makes one of somebody whom Access let in before.
pub(super) const FIRST_OWNER: &str = "\
    INSERT INTO users (id, email, name, role, password, created_at) SELECT ?1, ?2, ?3, 'owner', ?4, ?5 \
    WHERE NOT EXISTS (SELECT 1 FROM users WHERE role = 'owner') \
    ON CONFLICT (email) DO UPDATE SET name = excluded.name, role = 'owner', password = excluded.password, disabled_at = NULL \
    RETURNING id";

pub(super) const HAS_OWNER: &str = "SELECT 1 AS yes FROM users WHERE role = 'owner' LIMIT 1";

/// ?1 e-mail.
pub(super) const USER_BY_EMAIL: &str =
    "SELECT id, email, name, role, password, disabled_at FROM users WHERE email = ?1";

/// ?1 id.
pub(super) const USER_BY_ID: &str =
    "SELECT id, email, name, role, password, disabled_at FROM users WHERE id = ?1";

/// ?1 how many at most.
pub(super) const USERS: &str = "\
    SELECT id, email, name, role, created_at, password IS NOT NULL AS has_password FROM users \
    WHERE disabled_at IS NULL ORDER BY email LIMIT ?1";

/// ?1 id, ?2 e-mail, ?3 name, ?4 role, ?5 password's hash or NULL, ?6 now. Somebody who was removed, or whom Access let in without being asked,
/// is changed; somebody with an account is not.
pub(super) const ADD_USER: &str = "\
    INSERT INTO users (id, email, name, role, password, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT (email) DO UPDATE \
    SET name = excluded.name, role = excluded.role, password = excluded.password, disabled_at = NULL \
    WHERE users.disabled_at IS NOT NULL OR (users.password IS NULL AND users.role = 'viewer') \
    RETURNING id";

/// ?1 id, ?2 e-mail, ?3 name, ?4 now. Whom Access vouches for looks on, until an owner says more.
pub(super) const ADMIT: &str = "\
    INSERT INTO users (id, email, name, role, created_at) VALUES (?1, ?2, ?3, 'viewer', ?4) ON CONFLICT (email) DO NOTHING";

/// ?1 id, ?2 now. The last owner stays. A removed user's row stays too, for the audit to name, without its password.
pub(super) const REMOVE_USER: &str = "\
    UPDATE users SET disabled_at = ?2, password = NULL, role = 'viewer' WHERE id = ?1 AND disabled_at IS NULL \
    AND (role <> 'owner' OR EXISTS (SELECT 1 FROM users o WHERE o.role = 'owner' AND o.disabled_at IS NULL AND o.id <> ?1)) \
    RETURNING id";

/// ?1 user. Behind `REMOVE_USER`.
pub(super) const END_SESSIONS_OF_REMOVED: &str = "DELETE FROM sessions WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND disabled_at IS NOT NULL)";

/// ?1 token's hash, ?2 user, ?3 now, ?4 its end, ?5 address, ?6 the password's hash that was checked, which must still be the user's.
pub(super) const BEGIN_SESSION: &str = "\
    INSERT INTO sessions (token_hash, user_id, created_at, seen_at, expires_at, address) SELECT ?1, id, ?3, ?3, ?4, ?5 FROM users \
    WHERE id = ?2 AND password = ?6 AND disabled_at IS NULL RETURNING token_hash";

/// ?1 token's hash.
pub(super) const SESSION: &str = "\
    SELECT s.token_hash, s.seen_at, s.expires_at, u.id, u.email, u.name, u.role FROM sessions s JOIN users u ON u.id = s.user_id \
    WHERE s.token_hash = ?1 AND u.disabled_at IS NULL";

/// ?1 token's hash, ?2 now.
pub(super) const SEEN: &str = "UPDATE sessions SET seen_at = ?2 WHERE token_hash = ?1";

/// ?1 token's hash.
pub(super) const END_SESSION: &str = "DELETE FROM sessions WHERE token_hash = ?1";

/// ?1 user.
pub(super) const END_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = ?1";

/// ?1 now.
pub(super) const SWEEP_SESSIONS: &str = "DELETE FROM sessions WHERE expires_at <= ?1";

/// ?1 user, ?2 the hash that was checked, ?3 the new one.
pub(super) const CHANGE_PASSWORD: &str = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2 AND disabled_at IS NULL RETURNING id";

/// ?1 user, ?2 the new hash: its salt is random, so nobody else can have set it. Behind `CHANGE_PASSWORD`.
pub(super) const END_SESSIONS_OF_CHANGED: &str = "DELETE FROM sessions WHERE user_id = ?1 AND EXISTS (SELECT 1 FROM users WHERE id = ?1 AND password = ?2)";

/// ?1 key, ?2 now, ?3 how many are free, ?4 the first wait, ?5 the longest, ?6 after how long all is forgotten. Counts a guess before
/// it is looked at, so that a thousand at once are a thousand; gives no row while the key must wait.
pub(super) const COUNT_ATTEMPT: &str = "\
    INSERT INTO attempts (key, failures, last_at, until) VALUES (?1, 1, ?2, 0) ON CONFLICT (key) DO UPDATE SET \
    failures = CASE WHEN last_at <= ?2 - ?6 THEN 1 ELSE min(failures + 1, 1000) END, \
    until = CASE WHEN last_at <= ?2 - ?6 OR failures + 1 < ?3 THEN 0 ELSE ?2 + min(?5, ?4 << min(failures + 1 - ?3, 20)) END, \
    last_at = ?2 \
    WHERE until <= ?2 RETURNING failures";

/// ?1 key.
pub(super) const WAIT: &str = "SELECT until FROM attempts WHERE key = ?1";

/// ?1 key. The guess was none.
pub(super) const UNCOUNT_ATTEMPT: &str =
    "UPDATE attempts SET failures = max(failures - 1, 0), until = 0 WHERE key = ?1";

/// ?1 key.
pub(super) const FORGET_ATTEMPTS: &str = "DELETE FROM attempts WHERE key = ?1";

/// ?1 the moment before which all is forgotten.
pub(super) const SWEEP_ATTEMPTS: &str = "DELETE FROM attempts WHERE last_at <= ?1";

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;
    use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

    use super::*;

    const NOW: i64 = 1_795_000_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1_000;

    /// SQLite with the real schema. As in D1, numbers come in as doubles.
    struct Db(Connection);

    #[derive(Clone)]
    enum Given {
        Null,
        Number(i64),
        Text(&'static str),
    }

    fn db() -> Db {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = ON")
            .unwrap();
        connection
            .execute_batch(include_str!("../../../migrations/0007_accounts.sql"))
            .unwrap();
        Db(connection)
    }

    fn number(value: i64) -> Given {
        Given::Number(value)
    }

    fn text(value: &'static str) -> Given {
        Given::Text(value)
    }

    impl Db {
        /// The first value of the first row that a statement gives.
        fn run(&self, sql: &str, given: &[Given]) -> Option<Value> {
            let values = given.iter().map(|given| match given {
                Given::Null => Value::Null,
                Given::Number(value) => Value::Real(*value as f64),
                Given::Text(value) => Value::Text((*value).to_owned()),
            });
            let mut statement = self.0.prepare(sql).unwrap();
            statement
                .query_row(params_from_iter(values), |row| row.get(0))
                .optional()
                .unwrap()
        }

        fn number(&self, sql: &str) -> i64 {
            self.0.query_row(sql, [], |row| row.get(0)).unwrap()
        }

        fn first_owner(&self, id: &'static str, email: &'static str) -> bool {
            let given = [
                text(id),
                text(email),
                text("Ann"),
                text("hash"),
                number(NOW),
            ];
            self.run(FIRST_OWNER, &given).is_some()
        }

        fn add(&self, id: &'static str, email: &'static str, role: &'static str) -> bool {
            let given = [
                text(id),
                text(email),
                text("Bo"),
                text(role),
                text("hash"),
                number(NOW),
            ];
            self.run(ADD_USER, &given).is_some()
        }

        fn remove(&self, id: &'static str) -> bool {
            self.run(REMOVE_USER, &[text(id), number(NOW)]).is_some()
        }

        fn begin(&self, token: &'static str, user: &'static str, password: &'static str) -> bool {
            let given = [
                text(token),
                text(user),
                number(NOW),
                number(NOW + DAY),
                text("192.0.2.1"),
                text(password),
            ];
            self.run(BEGIN_SESSION, &given).is_some()
        }

        fn session(&self, token: &'static str) -> bool {
            self.run(SESSION, &[text(token)]).is_some()
        }

        fn guess(&self, now: i64) -> bool {
            let given = [
                text("key"),
                number(now),
                number(5),
                number(1_000),
                number(900_000),
                number(DAY),
            ];
            self.run(COUNT_ATTEMPT, &given).is_some()
        }

        fn until(&self) -> Option<Value> {
            self.run(WAIT, &[text("key")])
        }

        fn audit(&self) -> i64 {
            let given = [number(NOW), Given::Null, text("deed"), text("x")];
            self.run(AUDIT, &given);
            self.number("SELECT count(*) FROM audit")
        }
    }

    #[test]
    fn the_first_owner_is_made_once() {
        let db = db();
        assert!(db.run(HAS_OWNER, &[]).is_none());
        assert!(db.first_owner("1", "ann@example.com"));
        assert!(db.run(HAS_OWNER, &[]).is_some());
        assert!(!db.first_owner("2", "eve@example.com"));
        assert!(!db.first_owner("2", "ann@example.com"));
        assert_eq!(db.number("SELECT count(*) FROM users"), 1);
    }

    #[test]
    fn somebody_whom_access_let_in_may_become_the_first_owner() {
        let db = db();
        let given = [text("1"), text("ann@example.com"), text("ann"), number(NOW)];
        db.run(ADMIT, &given);
        db.run(ADMIT, &given);
        assert!(db.first_owner("2", "ANN@example.com"));
        assert_eq!(
            db.number("SELECT count(*) FROM users WHERE id = '1' AND role = 'owner'"),
            1
        );
    }

    #[test]
    fn the_last_owner_stays() {
        let db = db();
        assert!(db.first_owner("1", "ann@example.com"));
        assert!(!db.remove("1"));
        assert!(db.add("2", "bo@example.com", "owner"));
        assert!(db.add("3", "cy@example.com", "viewer"));
        assert!(db.remove("1") && !db.remove("2"));
        assert!(db.remove("3") && !db.remove("3"));
        assert!(!db.first_owner("4", "eve@example.com"));
    }

    #[test]
    fn an_account_is_not_taken_over_by_adding_it_again() {
        let db = db();
        assert!(db.first_owner("1", "ann@example.com"));
        assert!(!db.add("2", "Ann@Example.com", "viewer"));
        assert!(db.add("2", "bo@example.com", "viewer"));
        assert!(!db.add("3", "bo@example.com", "owner"));
        assert!(db.remove("2"));
        assert!(db.add("3", "bo@example.com", "owner"));
        assert_eq!(
            db.number("SELECT count(*) FROM users WHERE id = '2' AND role = 'owner' AND disabled_at IS NULL"),
            1
        );
    }

    #[test]
    fn a_session_begins_with_the_password_that_is_the_users() {
        let db = db();
        db.first_owner("1", "ann@example.com");
        assert!(!db.begin("t0", "1", "another hash"));
        assert!(db.begin("t1", "1", "hash"));
        assert!(db.session("t1") && !db.session("t0"));
        db.run(END_SESSION, &[text("t1")]);
        assert!(!db.session("t1"));
    }

    #[test]
    fn a_changed_password_ends_every_session() {
        let db = db();
        db.first_owner("1", "ann@example.com");
        db.add("2", "bo@example.com", "viewer");
        assert!(db.begin("t1", "1", "hash") && db.begin("t2", "1", "hash"));
        assert!(db.begin("t3", "2", "hash"));
        let change = |old, new| {
            let changed = db.run(CHANGE_PASSWORD, &[text("1"), text(old), text(new)]);
            db.run(END_SESSIONS_OF_CHANGED, &[text("1"), text(new)]);
            changed.is_some()
        };
        // Somebody was faster: nothing is changed, nobody is thrown out.
        assert!(!change("old hash", "new hash"));
        assert!(db.session("t1"));
        assert!(change("hash", "new hash"));
        assert!(!db.session("t1") && !db.session("t2") && db.session("t3"));
        assert!(!db.begin("t4", "1", "hash") && db.begin("t4", "1", "new hash"));
    }

    #[test]
    fn a_removed_user_has_no_session() {
        let db = db();
        db.first_owner("1", "ann@example.com");
        db.add("2", "bo@example.com", "viewer");
        assert!(db.begin("t1", "1", "hash") && db.begin("t2", "2", "hash"));
        // The last owner is not removed, and keeps what they have.
        assert!(!db.remove("1"));
        db.run(END_SESSIONS_OF_REMOVED, &[text("1")]);
        assert!(db.session("t1"));
        assert!(db.remove("2"));
        assert!(!db.session("t2"));
        db.run(END_SESSIONS_OF_REMOVED, &[text("2")]);
        assert_eq!(db.number("SELECT count(*) FROM sessions"), 1);
        assert!(!db.begin("t3", "2", "hash"));
    }

    #[test]
    fn what_is_over_is_swept() {
        let db = db();
        db.first_owner("1", "ann@example.com");
        assert!(db.begin("t1", "1", "hash"));
        db.run(SWEEP_SESSIONS, &[number(NOW + DAY - 1)]);
        assert!(db.session("t1"));
        db.run(SWEEP_SESSIONS, &[number(NOW + DAY)]);
        assert!(!db.session("t1"));
        assert!(db.guess(NOW));
        db.run(SWEEP_ATTEMPTS, &[number(NOW - 1)]);
        assert!(db.until().is_some());
        db.run(SWEEP_ATTEMPTS, &[number(NOW)]);
        assert!(db.until().is_none());
    }

    #[test]
    fn each_wrong_guess_doubles_the_wait() {
        let db = db();
        for _ in 0..4 {
            assert!(db.guess(NOW));
            assert_eq!(db.until(), Some(Value::Integer(0)));
        }
        let mut now = NOW;
        let mut waits = Vec::new();
        for _ in 0..14 {
            assert!(db.guess(now));
            let Some(Value::Integer(until)) = db.until() else {
                panic!("a wait");
            };
            // Nothing is counted while it must wait, so that it does not grow by knocking.
            assert!(!db.guess(until - 1) && !db.guess(now));
            assert_eq!(db.until(), Some(Value::Integer(until)));
            waits.push((until - now) / 1_000);
            now = until;
        }
        assert_eq!(
            waits,
            [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
        );
        // A day without a failure forgets them all.
        assert!(db.guess(now + DAY));
        assert_eq!(db.until(), Some(Value::Integer(0)));
    }

    #[test]
    fn a_right_guess_is_taken_back() {
        let db = db();
        for _ in 0..5 {
            assert!(db.guess(NOW));
        }
        assert!(!db.guess(NOW));
        db.run(UNCOUNT_ATTEMPT, &[text("key")]);
        assert!(db.guess(NOW) && !db.guess(NOW));
        db.run(FORGET_ATTEMPTS, &[text("key")]);
        assert!(db.guess(NOW) && db.guess(NOW));
    }

    #[test]
    fn only_what_came_about_is_in_the_audit() {
        let db = db();
        assert!(db.first_owner("1", "ann@example.com"));
        assert_eq!(db.audit(), 1);
        assert!(!db.first_owner("2", "eve@example.com"));
        assert_eq!(db.audit(), 1);
        assert!(!db.remove("1"));
        assert_eq!(db.audit(), 1);
    }

    #[test]
    fn what_each_request_asks_is_found_by_a_key() {
        let db = db();
        for sql in [
            SESSION,
            SEEN,
            USER_BY_EMAIL,
            USER_BY_ID,
            SWEEP_SESSIONS,
            SWEEP_ATTEMPTS,
            END_SESSIONS,
            WAIT,
        ] {
            let mut statement = db.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = statement.parameter_count();
            let steps: Vec<String> = statement
                .query_map(params_from_iter(vec![Value::Null; count]), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(
                steps.iter().all(|step| step.starts_with("SEARCH")),
                "{sql}: {steps:?}"
            );
        }
    }
}
