ALTER TABLE accounts DROP COLUMN number_style;
