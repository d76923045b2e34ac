DROP TRIGGER account_search_update;
DROP TRIGGER account_search_insert;
DROP TABLE account_search;
DROP VIEW account_search_texts;
DROP TABLE account_search_rows;
CREATE VIRTUAL TABLE account_search USING fts5 (search_text, content = 'accounts', content_rowid = 'rowid', tokenize = 'trigram');
INSERT INTO account_search (account_search) VALUES ('rebuild');
CREATE TRIGGER account_search_insert AFTER INSERT ON accounts BEGIN
  INSERT INTO account_search (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
CREATE TRIGGER account_search_update AFTER UPDATE OF search_text ON accounts BEGIN
  INSERT INTO account_search (account_search, rowid, search_text) VALUES ('delete', old.rowid, old.search_text);
  INSERT INTO account_search (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
DROP INDEX audit_by_time;
DROP INDEX queue_leased;
DROP INDEX suppressions_by_account;
CREATE INDEX suppressions_by_account ON suppressions (account_id, created_at, id);
DROP INDEX domains_by_account;
CREATE INDEX domains_by_account ON domains (account_id, created_at, id);
DROP INDEX api_keys_by_account;
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at, id);
DROP INDEX accounts_by_parent;
CREATE INDEX accounts_by_parent ON accounts (parent_id, created_at, id);
