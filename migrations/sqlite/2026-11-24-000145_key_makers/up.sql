-- Whose role bounds a key: a member of the account that they acted from. Keys name this row, not the person, so that all of
-- a removed member's keys pass on by changing one row. Keys of before have none and stay as they are.
CREATE TABLE key_makers (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  user_id BLOB NOT NULL REFERENCES users (id),
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
CREATE INDEX key_makers_by_member ON key_makers (account_id, user_id);
ALTER TABLE api_keys ADD COLUMN maker_id BLOB;
CREATE INDEX api_keys_by_maker ON api_keys (maker_id) WHERE maker_id IS NOT NULL;
ALTER TABLE smtp_credentials ADD COLUMN maker_id BLOB;
CREATE INDEX smtp_credentials_by_maker ON smtp_credentials (maker_id) WHERE maker_id IS NOT NULL;
