-- Entries are signed under the installation's key from here on: the version of the key that made an entry's hash, null for
-- the SHA-256 of before. Heads are signed too. What is there already is walked and sealed in the background: "unsealed" is the
-- last entry that waits for it.
ALTER TABLE audit_entries ADD COLUMN key_version INTEGER;
ALTER TABLE audit_heads ADD COLUMN key_version INTEGER;
ALTER TABLE audit_heads ADD COLUMN tag BYTEA;
ALTER TABLE audit_heads ADD COLUMN unsealed BIGINT NOT NULL DEFAULT 0;
UPDATE audit_heads SET unsealed = seq;
