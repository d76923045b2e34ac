-- Transports have names and belong to a parent; an account chooses one of them, a parent for all its accounts.
ALTER TABLE transports RENAME TO transports_of_accounts;
CREATE TABLE transports (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  tls TEXT NOT NULL,
  username TEXT NOT NULL,
  password_sealed BLOB,
  source_ip TEXT NOT NULL,
  helo TEXT NOT NULL,
  max_connections INTEGER NOT NULL,
  messages_per_second INTEGER NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX transports_by_name ON transports (account_id, name);
CREATE TABLE transport_choices (
  account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
  transport_id BLOB NOT NULL REFERENCES transports (id),
  updated_at TIMESTAMP NOT NULL
);
CREATE INDEX transport_choices_by_transport ON transport_choices (transport_id);
-- There was one for an account at most: it keeps the account's id as its own.
INSERT INTO transports
  SELECT t.account_id, COALESCE(a.parent_id, a.id),
    CASE WHEN a.parent_id IS NULL THEN 'Default' ELSE substr(a.name, 1, 80) || ' ' || lower(hex(substr(a.id, 13, 4))) END,
    CASE t.kind WHEN 'smtp' THEN 'relay' ELSE t.kind END,
    t.host, t.port, CASE t.tls WHEN 'starttls' THEN 'required' ELSE t.tls END, t.username, t.password_sealed,
    '', '', 0, 0, t.updated_at, t.updated_at
  FROM transports_of_accounts t JOIN accounts a ON a.id = t.account_id;
INSERT INTO transport_choices SELECT account_id, account_id, updated_at FROM transports_of_accounts;
DROP TABLE transports_of_accounts;
