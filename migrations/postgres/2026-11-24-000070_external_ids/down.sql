DROP INDEX accounts_by_external_id;
CREATE INDEX accounts_by_external_id ON accounts (parent_id, external_id);
