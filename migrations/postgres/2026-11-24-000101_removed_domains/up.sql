-- Domains that are an account's no more, while messages may still wait from them: a row goes once all were ended.
CREATE TABLE removed_domains (
  domain_id BYTEA NOT NULL PRIMARY KEY REFERENCES domains (id),
  account_id BYTEA NOT NULL,
  removed_at TIMESTAMP NOT NULL
);
INSERT INTO removed_domains (domain_id, account_id, removed_at)
  SELECT id, account_id, deleted_at FROM domains WHERE deleted_at IS NOT NULL;
