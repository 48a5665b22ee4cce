-- Requests to the model that were made before it was certain that the caller had finished, and how many of them were thrown
-- away because the caller went on: what eager answers cost.

ALTER TABLE turns ADD COLUMN speculative_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN speculative_wasted   INTEGER NOT NULL DEFAULT 0;
