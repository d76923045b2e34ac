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

-- The search keeps its own number for each account: rows that have none but SQLite's may be numbered anew by a VACUUM,
-- and would then be found by another's words.
DROP TRIGGER account_search_update;
DROP TRIGGER account_search_insert;
DROP TABLE account_search;
CREATE TABLE account_search_rows (
  id INTEGER PRIMARY KEY,
  account_id BLOB NOT NULL UNIQUE REFERENCES accounts (id)
);
INSERT INTO account_search_rows (account_id) SELECT id FROM accounts;
CREATE VIEW account_search_texts AS
  SELECT r.id, a.search_text FROM account_search_rows r JOIN accounts a ON a.id = r.account_id;
CREATE VIRTUAL TABLE account_search USING fts5 (search_text, content = 'account_search_texts', content_rowid = 'id', tokenize = 'trigram');
INSERT INTO account_search (account_search) VALUES ('rebuild');
CREATE TRIGGER account_search_insert AFTER INSERT ON accounts BEGIN
  INSERT INTO account_search_rows (account_id) VALUES (new.id);
  INSERT INTO account_search (rowid, search_text) SELECT id, new.search_text FROM account_search_rows WHERE account_id = new.id;
END;
CREATE TRIGGER account_search_update AFTER UPDATE OF search_text ON accounts BEGIN
  INSERT INTO account_search (account_search, rowid, search_text)
    SELECT 'delete', id, old.search_text FROM account_search_rows WHERE account_id = old.id;
  INSERT INTO account_search (rowid, search_text) SELECT id, new.search_text FROM account_search_rows WHERE account_id = new.id;
END;
