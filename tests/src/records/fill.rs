//! A year of a busy business, written straight into the database's file while the worker is stopped: [`CALLS`] calls of five turns, one of
//! them long, with the bookings, messages and tools of many. The schema's triggers count the days, as they do when calls end. Nothing
//! is random.

use std::path::Path;

use serde_json::json;

use crate::database::execute;

pub const CALLS: u32 = 100_000;
pub const TURNS: u32 = 500_000;

/// One caller in two hundred calls is this one. Half of these calls book something, one in twenty fails.
pub(super) const REGULAR: &str = "+12025550100";

/// And this one calls four times a week.
pub(super) const WEEKLY: &str = "+12025550101";

/// The last call is the longest that the dashboard shows in one piece.
pub(super) const LONG_CALL_TURNS: u32 = 200;

/// Fills the records of the business that answers where no other is named, up to `now`.
pub(super) async fn fill(state: &Path, now: i64) -> anyhow::Result<()> {
    for sql in [
        BOOKINGS,
        CANCELLED,
        MESSAGES,
        CALL_ROWS,
        TURN_ROWS,
        LONG_CALL,
        TOOL_RUNS,
        LONG_CALLS_TOOL_RUNS,
        YEAR_BEFORE,
        USERS,
        SESSIONS,
    ] {
        let sql = sql.replace("{EACH}", EACH);
        let parameters = if sql.contains("?1") {
            json!([now])
        } else {
            json!([])
        };
        execute(state, &sql, &[parameters]).await?;
    }
    Ok(())
}

/// The id of a call by its number.
#[must_use]
pub(super) fn call_id(number: u32) -> String {
    format!("{number:032x}")
}

/// The id of a booking by the number of its call.
#[must_use]
pub(super) fn booking_id(call: u32) -> String {
    format!("b{call:031x}")
}

/// The id of a message by the number of its call.
#[must_use]
pub(super) fn message_id(call: u32) -> String {
    format!("m{call:031x}")
}

/// When a call began.
#[must_use]
pub(super) fn started_at(call: u32, now: i64) -> i64 {
    now - i64::from(CALLS - 1 - call) * 315_360
}

/// The number of somebody who called by telephone now and then.
#[must_use]
pub(super) fn caller(call: u32) -> String {
    format!("+1202556{:04}", u64::from(call) * 7_919 % 10_000)
}

/// Every call: 365 days in even steps, three in five by telephone, one in four books, one in ten leaves a message.
const EACH: &str = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999), \
    each (i, call, at, caller, books, leaves) AS (SELECT i, printf('%032x', i), CAST(?1 AS INTEGER) - (99999 - i) * 315360, \
    CASE WHEN i % 5 >= 3 THEN NULL WHEN i % 200 < 2 THEN '+12025550100' WHEN i % 500 = 2 THEN '+12025550101' ELSE printf('+1202556%04d', i * 7919 % 10000) END, \
    i % 5 = 1 OR i % 20 = 3, i % 10 = 7 FROM n)";

const CALL_ROWS: &str = "{EACH} INSERT INTO calls (id, site, door, caller, started_at, ended_at, outcome, day, turns, replies, fast_replies, \
    interruptions, median_ms, p95_ms, name, booking, bookings, messages, revenue, recogniser_ms, tokens_in, tokens_out, characters) \
    SELECT call, 'demo-dental', iif(caller IS NULL, 'browser', 'phone'), caller, at, at + 90000, \
    CASE WHEN i % 2000 = 200 THEN 'failed' WHEN i % 3 = 0 THEN 'caller_hung_up' ELSE 'agent_ended' END, \
    date(at / 1000, 'unixepoch', '-5 hours'), 5, 4, 3, 1, 460, 900, iif(books, 'Ada Lovelace', NULL), \
    iif(books, printf('b%031x', i), NULL), books, leaves, books * 9000, 60000, 1200, 150, 400 FROM each";

// Spread over 540 days, half a year of them to come, so that none is over another.
const BOOKINGS: &str = "{EACH} INSERT INTO bookings (id, site, request_key, call_id, service, service_name, price, starts_at, ends_at, name, phone, \
    note, made_at, made_on, changed_at) \
    SELECT printf('b%031x', i), 'demo-dental', 'fill:' || i, call, 'cleaning', 'Cleaning', 9000, start, start + 900000, 'Ada Lovelace', \
    coalesce(caller, printf('+1202557%04d', i % 10000)), 'Prefers the morning.', at, date(at / 1000, 'unixepoch', '-5 hours'), at \
    FROM (SELECT *, CAST(?1 AS INTEGER) - 31104000000 + i * 466560 AS start FROM each) WHERE books";

const CANCELLED: &str = "UPDATE bookings SET status = 'cancelled', sequence = 1 WHERE site = 'demo-dental' AND id GLOB '*1'";

// Somebody has seen to all but the last hundred.
const MESSAGES: &str = "{EACH} INSERT INTO messages (id, site, request_key, call_id, taken_at, taken_on, name, phone, text, done_at) \
    SELECT printf('m%031x', i), 'demo-dental', 'fill:' || i, call, at, date(at / 1000, 'unixepoch', '-5 hours'), 'Alan Turing', caller, \
    'Please call me back about the bill of last week. It is not urgent, any day in the afternoon will do.', \
    iif(i < 99000, at + 3600000, NULL) FROM each WHERE leaves";

const TURN_ROWS: &str = "{EACH} INSERT INTO turns (call_id, turn, ended_at, outcome, caller_text, agent_heard, agent_unheard, endpointing_ms, \
    first_token_ms, first_piece_ms, first_audio_ms, sent_ms, voice_to_voice_ms) \
    SELECT call, value, at + value * 18000, iif(value = 3, 'interrupted', 'completed'), \
    iif(value = 1, '', 'Do you have anything on Tuesday afternoon, perhaps around three?'), \
    'On Tuesday I have a quarter past two and half past three. Which of them suits you better?', iif(value = 3, 'Or shall I look further?', ''), \
    150, 110, 12, 105, 390, iif(value = 1, NULL, 280 + (i * 37 + value * 101) % 400 + iif((i + value) % 17 = 0, i * 53 % 9000, 0)) \
    FROM each CROSS JOIN json_each('[1, 2, 3, 4, 5]')";

const LONG_CALL: &str = "INSERT INTO turns (call_id, turn, ended_at, outcome, caller_text, agent_heard, agent_unheard, voice_to_voice_ms) \
    WITH RECURSIVE n (i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < 200) \
    SELECT printf('%032x', 99999), i, CAST(?1 AS INTEGER), 'completed', 'And on Wednesday?', 'On Wednesday I have ten and eleven.', '', 400 FROM n";

const TOOL_RUNS: &str = "{EACH} INSERT INTO tool_runs (call_id, turn, n, name, arguments, result, started_at, took_ms) \
    SELECT call, 3, value, iif(leaves, 'take_message', iif(value, 'book_appointment', 'check_availability')), \
    '{\"service\":\"cleaning\",\"date\":\"tuesday\",\"time\":\"15:30\",\"name\":\"Ada Lovelace\"}', '{\"ok\":true}', at + 40000, 9 \
    FROM each CROSS JOIN json_each('[0, 1]') WHERE books OR (leaves AND value = 0)";

const LONG_CALLS_TOOL_RUNS: &str = "INSERT INTO tool_runs (call_id, turn, n, name, arguments, result, started_at, took_ms) \
    WITH RECURSIVE n (i) AS (SELECT 6 UNION ALL SELECT i + 1 FROM n WHERE i < 105) \
    SELECT printf('%032x', 99999), i, 0, 'check_availability', '{\"date\":\"wednesday\"}', '{\"ok\":true}', CAST(?1 AS INTEGER), 9 FROM n";

// For a year's figures beside those of the year before.
const YEAR_BEFORE: &str = "INSERT INTO days (site, day, calls, phone_calls, call_ms, turns, replies, fast_replies, interruptions, messages, bookings, \
    revenue, staff_bookings, staff_revenue, recogniser_ms, tokens_in, tokens_out, characters, latencies) \
    SELECT site, date(day, '-366 days'), calls, phone_calls, call_ms, turns, replies, fast_replies, interruptions, messages, bookings, revenue, \
    staff_bookings, staff_revenue, recogniser_ms, tokens_in, tokens_out, characters, latencies FROM days WHERE site = 'demo-dental'";

const USERS: &str = "INSERT INTO users (id, email, name, role, created_at) \
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 299) \
    SELECT printf('u%031x', i), 'viewer' || i || '@example.com', 'Viewer ' || i, 'viewer', CAST(?1 AS INTEGER) FROM n";

const SESSIONS: &str = "INSERT INTO sessions (token_hash, user_id, created_at, seen_at, expires_at) \
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) \
    SELECT printf('%064x', i), printf('u%031x', i % 300), CAST(?1 AS INTEGER), CAST(?1 AS INTEGER), CAST(?1 AS INTEGER) + 86400000 FROM n";
