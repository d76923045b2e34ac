ALTER TABLE usage_hours DROP COLUMN released;
