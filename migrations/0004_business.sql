-- The businesses she answers for. A business is saved whole and by its version, so that two people who change its
-- settings at the same time cannot undo each other's work unseen.

CREATE TABLE sites (
  id              TEXT    NOT NULL PRIMARY KEY,  -- the public name that pages give
  settings        TEXT    NOT NULL CHECK (json_valid(settings)),  -- all but services and hours
  version         INTEGER NOT NULL DEFAULT 1,
  demo            INTEGER NOT NULL DEFAULT 0 CHECK (demo IN (0, 1)),  -- made up: every record of it is, too
  -- Days that calls, messages and past bookings are kept. NULL: for ever.
  retention_days  INTEGER DEFAULT 365 CHECK (retention_days BETWEEN 1 AND 3650),
  -- Whoever has it may read the calendar. It stands here as it is, so that its owner can be shown the address again:
  -- whoever reads this table can read the bookings, too.
  calendar_token  TEXT    NOT NULL UNIQUE,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A save names the version that follows the one it was made from. Everything else of the save is in the same batch, and falls with it.
CREATE TRIGGER sites_saved BEFORE UPDATE OF settings, version ON sites
WHEN NEW.version <> OLD.version + 1
BEGIN
  SELECT RAISE(ABORT, 'stale');
END;

CREATE TABLE services (
  site      TEXT    NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  id        TEXT    NOT NULL,
  position  INTEGER NOT NULL,  -- in which order they are named
  name      TEXT    NOT NULL,
  minutes   INTEGER NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
  price     INTEGER NOT NULL CHECK (price >= 0),  -- in the currency's minor unit
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

-- Opening hours of an ordinary week. Minutes since midnight by the site's own clocks; 1440 is midnight at the day's end.
CREATE TABLE hours (
  site     TEXT    NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  weekday  INTEGER NOT NULL CHECK (weekday BETWEEN 1 AND 7),  -- Monday is 1
  opens    INTEGER NOT NULL CHECK (opens >= 0),
  closes   INTEGER NOT NULL CHECK (closes <= 1440),
  PRIMARY KEY (site, weekday, opens),
  CHECK (opens < closes)
) STRICT, WITHOUT ROWID;

-- Days that are unlike the others of their weekday: closed, or open as `exception_hours` says.
CREATE TABLE exceptions (
  site    TEXT  NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  day     TEXT  NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  reason  TEXT  NOT NULL DEFAULT '',  -- as callers may be told
  PRIMARY KEY (site, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE exception_hours (
  site    TEXT    NOT NULL,
  day     TEXT    NOT NULL,
  opens   INTEGER NOT NULL CHECK (opens >= 0),
  closes  INTEGER NOT NULL CHECK (closes <= 1440),
  PRIMARY KEY (site, day, opens),
  FOREIGN KEY (site, day) REFERENCES exceptions (site, day) ON DELETE CASCADE,
  CHECK (opens < closes)
) STRICT, WITHOUT ROWID;
