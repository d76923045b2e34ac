DROP INDEX periods_open;
ALTER TABLE periods DROP COLUMN closed_at;
