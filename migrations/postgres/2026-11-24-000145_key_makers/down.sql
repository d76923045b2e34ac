DROP INDEX smtp_credentials_by_maker;
ALTER TABLE smtp_credentials DROP COLUMN maker_id;
DROP INDEX api_keys_by_maker;
ALTER TABLE api_keys DROP COLUMN maker_id;
DROP TABLE key_makers;
