-- Lists that go page by page by id: nothing is sorted, however many rows an account has.
DROP INDEX accounts_by_parent;
CREATE INDEX accounts_by_parent ON accounts (parent_id, id);
DROP INDEX api_keys_by_account;
CREATE INDEX api_keys_by_account ON api_keys (account_id, id);
DROP INDEX domains_by_account;
CREATE INDEX domains_by_account ON domains (account_id, id);
DROP INDEX suppressions_by_account;
CREATE INDEX suppressions_by_account ON suppressions (account_id, id);
-- When the next lease of an account ends, found without reading what waits.
CREATE INDEX queue_leased ON queue (account_id, leased_until) WHERE leased_until IS NOT NULL;
-- Where in a chain a day begins and ends.
CREATE INDEX audit_by_time ON audit_entries (root_id, at, seq);
