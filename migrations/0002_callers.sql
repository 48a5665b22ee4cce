-- The number of a caller by telephone, as the telephone company tells it (E.164). NULL: hidden, or a browser.

ALTER TABLE calls ADD COLUMN caller TEXT;
