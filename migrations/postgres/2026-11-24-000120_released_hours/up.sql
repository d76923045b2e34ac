-- What was accepted before an hour, held at a cap, and released in it: an hourly cap that begins within the hour counts it.
ALTER TABLE usage_hours ADD COLUMN released BIGINT NOT NULL DEFAULT 0;
