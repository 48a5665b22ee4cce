-- Appointments and messages. What was agreed with a caller is kept as it was agreed: a service may later cost more or go.

CREATE TABLE bookings (
  id            TEXT    NOT NULL PRIMARY KEY,
  site          TEXT    NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  -- Who asked, and which request it was. A request that is made again finds what came of it.
  request_key   TEXT    NOT NULL UNIQUE,
  call_id       TEXT,             -- NULL: made by the staff. The call's own row comes when it is over.
  service       TEXT    NOT NULL,
  service_name  TEXT    NOT NULL,
  price         INTEGER NOT NULL CHECK (price >= 0),
  starts_at     INTEGER NOT NULL,
  ends_at       INTEGER NOT NULL,
  name          TEXT    NOT NULL CHECK (length(name) <= 200),  -- empty once the caller's data was deleted
  phone         TEXT,
  note          TEXT    NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
  status        TEXT    NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled')),
  made_at       INTEGER NOT NULL,
  made_on       TEXT    NOT NULL,  -- the site's day, under which it is counted
  changed_at    INTEGER NOT NULL,
  sequence      INTEGER NOT NULL DEFAULT 0,  -- counts its changes, for calendars
  CHECK (starts_at < ends_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX bookings_by_start  ON bookings (site, starts_at);
CREATE INDEX bookings_by_phone  ON bookings (site, phone) WHERE phone IS NOT NULL;
-- People leave out the country and the area: whose a booking is, is decided among those whose numbers end alike.
CREATE INDEX bookings_by_local  ON bookings (site, substr(phone, -7), starts_at) WHERE phone IS NOT NULL;
CREATE INDEX bookings_by_call   ON bookings (call_id, made_at) WHERE call_id IS NOT NULL;
CREATE INDEX bookings_taken     ON bookings (site, starts_at, ends_at) WHERE status = 'booked';

-- Nobody is booked over another, whoever writes. Of bookings that do not overlap, the last to begin before a given moment
-- is the last to end, so one row decides.
CREATE TRIGGER bookings_do_not_overlap AFTER INSERT ON bookings
WHEN NEW.status = 'booked'
BEGIN
  SELECT RAISE(ABORT, 'taken') WHERE NEW.starts_at < (
    SELECT ends_at FROM bookings
    WHERE site = NEW.site AND status = 'booked' AND starts_at < NEW.ends_at AND id <> NEW.id
    ORDER BY starts_at DESC LIMIT 1);
END;

CREATE TRIGGER bookings_do_not_move_over_another AFTER UPDATE OF site, starts_at, ends_at, status ON bookings
WHEN NEW.status = 'booked'
BEGIN
  SELECT RAISE(ABORT, 'taken') WHERE NEW.starts_at < (
    SELECT ends_at FROM bookings
    WHERE site = NEW.site AND status = 'booked' AND starts_at < NEW.ends_at AND id <> NEW.id
    ORDER BY starts_at DESC LIMIT 1);
END;

CREATE TABLE messages (
  id           TEXT    NOT NULL PRIMARY KEY,
  site         TEXT    NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  request_key  TEXT    NOT NULL UNIQUE,  -- as of a booking
  call_id      TEXT    NOT NULL,
  taken_at     INTEGER NOT NULL,
  taken_on     TEXT    NOT NULL,  -- the site's day, under which it is counted
  name         TEXT    NOT NULL CHECK (length(name) <= 200),  -- empty: not given
  phone        TEXT,
  text         TEXT    NOT NULL CHECK (length(text) <= 4000),
  done_at      INTEGER            -- NULL until somebody has seen to it
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_by_time  ON messages (site, taken_at);
CREATE INDEX messages_waiting  ON messages (site, taken_at) WHERE done_at IS NULL;
CREATE INDEX messages_by_call  ON messages (call_id);
CREATE INDEX messages_by_phone ON messages (site, phone) WHERE phone IS NOT NULL;
