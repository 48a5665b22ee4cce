-- What a call did and cost, so that a list of calls reads nothing else; and the figures of each day, so that a range of days reads
-- one row for each, however many calls there were.

-- The site's day on which the call began, under which it is counted. NULL: from before days were counted.
ALTER TABLE calls ADD COLUMN day            TEXT;
ALTER TABLE calls ADD COLUMN turns          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN replies        INTEGER NOT NULL DEFAULT 0;  -- turns whose voice to voice was measured
ALTER TABLE calls ADD COLUMN fast_replies   INTEGER NOT NULL DEFAULT 0;  -- below 500 ms
ALTER TABLE calls ADD COLUMN interruptions  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN median_ms      INTEGER;                     -- voice to voice
ALTER TABLE calls ADD COLUMN p95_ms         INTEGER;
ALTER TABLE calls ADD COLUMN name           TEXT;                        -- the caller's, as given for a booking or message
ALTER TABLE calls ADD COLUMN booking        TEXT;                        -- the last that was made in it
ALTER TABLE calls ADD COLUMN bookings       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN messages       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN revenue        INTEGER NOT NULL DEFAULT 0;  -- prices of its bookings that stand
-- What the providers were asked for.
ALTER TABLE calls ADD COLUMN recogniser_ms  INTEGER NOT NULL DEFAULT 0;  -- sound sent to be understood
ALTER TABLE calls ADD COLUMN tokens_in      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN tokens_out     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN characters     INTEGER NOT NULL DEFAULT 0;  -- given to the voice

CREATE INDEX calls_by_outcome           ON calls (site, outcome, started_at);
CREATE INDEX calls_by_door              ON calls (site, door, started_at);
CREATE INDEX calls_by_door_outcome      ON calls (site, door, outcome, started_at);
CREATE INDEX calls_by_caller            ON calls (site, caller, started_at) WHERE caller IS NOT NULL;
CREATE INDEX calls_by_caller_outcome    ON calls (site, caller, outcome, started_at) WHERE caller IS NOT NULL;
CREATE INDEX calls_by_caller_with_booking
  ON calls (site, caller, started_at) WHERE caller IS NOT NULL AND booking IS NOT NULL;
CREATE INDEX calls_with_booking         ON calls (site, started_at) WHERE booking IS NOT NULL;
CREATE INDEX calls_by_door_with_booking ON calls (site, door, started_at) WHERE booking IS NOT NULL;

-- Turns are found by their call only.
DROP INDEX turns_by_end;

CREATE TABLE tool_runs (
  call_id     TEXT    NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  turn        INTEGER NOT NULL,
  n           INTEGER NOT NULL,  -- from 0, within the turn
  name        TEXT    NOT NULL,
  arguments   TEXT    NOT NULL,  -- as the model gave them, whatever that was
  result      TEXT,              -- as the model was told. NULL: it did not finish in the call's time
  started_at  INTEGER NOT NULL,
  took_ms     INTEGER,
  PRIMARY KEY (call_id, turn, n)
) STRICT, WITHOUT ROWID;

-- Kept when calls and bookings are deleted: nobody can be told from it.
CREATE TABLE days (
  site            TEXT    NOT NULL,
  day             TEXT    NOT NULL,  -- YYYY-MM-DD in the site's zone
  calls           INTEGER NOT NULL DEFAULT 0,
  phone_calls     INTEGER NOT NULL DEFAULT 0,
  call_ms         INTEGER NOT NULL DEFAULT 0,
  turns           INTEGER NOT NULL DEFAULT 0,
  replies         INTEGER NOT NULL DEFAULT 0,
  fast_replies    INTEGER NOT NULL DEFAULT 0,
  interruptions   INTEGER NOT NULL DEFAULT 0,
  messages        INTEGER NOT NULL DEFAULT 0,
  bookings        INTEGER NOT NULL DEFAULT 0,  -- made in calls, and not cancelled since
  revenue         INTEGER NOT NULL DEFAULT 0,
  staff_bookings  INTEGER NOT NULL DEFAULT 0,
  staff_revenue   INTEGER NOT NULL DEFAULT 0,
  recogniser_ms   INTEGER NOT NULL DEFAULT 0,
  tokens_in       INTEGER NOT NULL DEFAULT 0,
  tokens_out      INTEGER NOT NULL DEFAULT 0,
  characters      INTEGER NOT NULL DEFAULT 0,
  -- How many replies came how soon, as a JSON array of 141 counts: of 20 ms each below two seconds, of 200 ms each below ten, and of the
  -- rest. So 500 ms lies between two, and a percentile is known to its bucket. It begins as zeros: `[0,0,…,0]`.
  latencies       TEXT    NOT NULL DEFAULT ('[' || replace(hex(zeroblob(70)), '00', '0,0,') || '0]'),
  PRIMARY KEY (site, day)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER calls_are_counted AFTER INSERT ON calls
WHEN NEW.day IS NOT NULL
BEGIN
  INSERT INTO days (site, day, calls, phone_calls, call_ms, turns, replies, fast_replies, interruptions,
    recogniser_ms, tokens_in, tokens_out, characters)
  VALUES (NEW.site, NEW.day, 1, NEW.door = 'phone', coalesce(NEW.ended_at - NEW.started_at, 0), NEW.turns, NEW.replies,
    NEW.fast_replies, NEW.interruptions, NEW.recogniser_ms, NEW.tokens_in, NEW.tokens_out, NEW.characters)
  ON CONFLICT (site, day) DO UPDATE SET
    calls = calls + 1,
    phone_calls = phone_calls + excluded.phone_calls,
    call_ms = call_ms + excluded.call_ms,
    turns = turns + excluded.turns,
    replies = replies + excluded.replies,
    fast_replies = fast_replies + excluded.fast_replies,
    interruptions = interruptions + excluded.interruptions,
    recogniser_ms = recogniser_ms + excluded.recogniser_ms,
    tokens_in = tokens_in + excluded.tokens_in,
    tokens_out = tokens_out + excluded.tokens_out,
    characters = characters + excluded.characters;
END;

CREATE TRIGGER replies_are_counted AFTER INSERT ON turns
WHEN NEW.voice_to_voice_ms IS NOT NULL
BEGIN
  UPDATE days SET latencies = (
    SELECT json_set(latencies, '$[' || bucket || ']', (latencies ->> bucket) + 1) FROM (
      SELECT CASE WHEN NEW.voice_to_voice_ms < 2000 THEN NEW.voice_to_voice_ms / 20
        WHEN NEW.voice_to_voice_ms < 10000 THEN 90 + NEW.voice_to_voice_ms / 200
        ELSE 140 END AS bucket))
  WHERE (site, day) = (SELECT site, day FROM calls WHERE id = NEW.call_id);
END;

CREATE TRIGGER messages_are_counted AFTER INSERT ON messages
BEGIN
  INSERT INTO days (site, day, messages) VALUES (NEW.site, NEW.taken_on, 1)
  ON CONFLICT (site, day) DO UPDATE SET messages = messages + 1;
END;

CREATE TRIGGER bookings_are_counted AFTER INSERT ON bookings
WHEN NEW.status = 'booked'
BEGIN
  INSERT INTO days (site, day, bookings, revenue, staff_bookings, staff_revenue)
  VALUES (NEW.site, NEW.made_on,
    NEW.call_id IS NOT NULL, iif(NEW.call_id IS NULL, 0, NEW.price),
    NEW.call_id IS NULL, iif(NEW.call_id IS NULL, NEW.price, 0))
  ON CONFLICT (site, day) DO UPDATE SET
    bookings = bookings + excluded.bookings,
    revenue = revenue + excluded.revenue,
    staff_bookings = staff_bookings + excluded.staff_bookings,
    staff_revenue = staff_revenue + excluded.staff_revenue;
END;

-- A booking that is cancelled is taken out of the day that it was counted under, and out of its call.
CREATE TRIGGER cancellations_are_counted AFTER UPDATE OF status ON bookings
WHEN NEW.status <> OLD.status
BEGIN
  UPDATE days SET
    bookings = bookings + iif(NEW.call_id IS NULL, 0, iif(NEW.status = 'booked', 1, -1)),
    revenue = revenue + iif(NEW.call_id IS NULL, 0, iif(NEW.status = 'booked', NEW.price, -NEW.price)),
    staff_bookings = staff_bookings + iif(NEW.call_id IS NULL, iif(NEW.status = 'booked', 1, -1), 0),
    staff_revenue = staff_revenue + iif(NEW.call_id IS NULL, iif(NEW.status = 'booked', NEW.price, -NEW.price), 0)
  WHERE site = NEW.site AND day = NEW.made_on;
  UPDATE calls SET revenue = revenue + iif(NEW.status = 'booked', NEW.price, -NEW.price) WHERE id = NEW.call_id;
END;
