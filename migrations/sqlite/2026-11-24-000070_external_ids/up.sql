-- Most accounts have no number of the agency's own: an index of those that have finds one among few.
DROP INDEX accounts_by_external_id;
CREATE INDEX accounts_by_external_id ON accounts (parent_id, external_id) WHERE external_id IS NOT NULL;
