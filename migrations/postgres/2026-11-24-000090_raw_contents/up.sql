-- A message as a mail program handed it in, instead of JSON of what was rendered.
ALTER TABLE contents ADD COLUMN is_raw BOOLEAN NOT NULL DEFAULT FALSE;
