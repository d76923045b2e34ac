ALTER TABLE audit_heads DROP COLUMN unsealed;
ALTER TABLE audit_heads DROP COLUMN tag;
ALTER TABLE audit_heads DROP COLUMN key_version;
ALTER TABLE audit_entries DROP COLUMN key_version;
