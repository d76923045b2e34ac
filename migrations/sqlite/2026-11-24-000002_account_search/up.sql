-- Search inside names, websites, external ids and domains by three or more letters.
CREATE VIRTUAL TABLE account_search USING fts5 (search_text, content = 'accounts', content_rowid = 'rowid', tokenize = 'trigram');
CREATE TRIGGER account_search_insert AFTER INSERT ON accounts BEGIN
  INSERT INTO account_search (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
CREATE TRIGGER account_search_update AFTER UPDATE OF search_text ON accounts BEGIN
  INSERT INTO account_search (account_search, rowid, search_text) VALUES ('delete', old.rowid, old.search_text);
  INSERT INTO account_search (rowid, search_text) VALUES (new.rowid, new.search_text);
END;
