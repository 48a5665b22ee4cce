-- The record of calls. Times are UTC, in milliseconds since 1970. A call's object delivers its rows again until
-- they are accepted, so a row's key is the call's own and a second delivery changes nothing.

CREATE TABLE calls (
  id          TEXT    NOT NULL PRIMARY KEY,
  site        TEXT    NOT NULL,
  door        TEXT    NOT NULL CHECK (door IN ('browser', 'phone')),
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,            -- NULL while the call lives
  outcome     TEXT,               -- how it ended, NULL while it lives
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX calls_by_start ON calls (site, started_at);

CREATE TABLE turns (
  call_id            TEXT    NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
  turn               INTEGER NOT NULL,
  ended_at           INTEGER NOT NULL,
  outcome            TEXT    NOT NULL,
  caller_text        TEXT    NOT NULL,  -- empty for a turn that she began
  agent_heard        TEXT    NOT NULL,  -- what the caller heard of her
  agent_unheard      TEXT    NOT NULL,  -- what was cut off
  -- Stages of the turn, each NULL when it was not reached. They overlap: they do not add up.
  endpointing_ms     INTEGER,
  first_token_ms     INTEGER,
  first_piece_ms     INTEGER,
  first_audio_ms     INTEGER,
  sent_ms            INTEGER,
  voice_to_voice_ms  INTEGER,
  PRIMARY KEY (call_id, turn)
) STRICT, WITHOUT ROWID;

CREATE INDEX turns_by_end ON turns (ended_at);
