-- A short period after a change of the billing day: so many days of those that a full one would have had. Null is a
-- full period.
ALTER TABLE periods ADD COLUMN days INTEGER;
ALTER TABLE periods ADD COLUMN of_days INTEGER;
