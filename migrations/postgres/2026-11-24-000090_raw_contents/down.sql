DELETE FROM contents WHERE is_raw;
ALTER TABLE contents DROP COLUMN is_raw;
