-- Who may see and change what she did.

CREATE TABLE users (
  id           TEXT    NOT NULL PRIMARY KEY,
  email        TEXT    NOT NULL UNIQUE COLLATE NOCASE,
  name         TEXT    NOT NULL,
  role         TEXT    NOT NULL CHECK (role IN ('owner', 'viewer')),
  password     TEXT,              -- Argon2id as a PHC string. NULL: signs in elsewhere
  created_at   INTEGER NOT NULL,
  disabled_at  INTEGER
) STRICT, WITHOUT ROWID;

-- A session is found by the hash of its token, so that a copy of this table opens none.
CREATE TABLE sessions (
  token_hash  TEXT    NOT NULL PRIMARY KEY,  -- SHA-256
  user_id     TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at  INTEGER NOT NULL,
  seen_at     INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  address     TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user   ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Failed sign-ins, by address and by account, under a hash of either.
CREATE TABLE attempts (
  key       TEXT    NOT NULL PRIMARY KEY,
  failures  INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  until     INTEGER NOT NULL   -- no guess is looked at before
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_by_time ON attempts (last_at);

-- What was changed, by whom. Says what, not to what: no names, numbers or secrets.
CREATE TABLE audit (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  user_id  TEXT,               -- NULL: nobody was signed in. Outlives the user.
  action   TEXT    NOT NULL,
  subject  TEXT    NOT NULL DEFAULT '',
  detail   TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX audit_by_time ON audit (at);
