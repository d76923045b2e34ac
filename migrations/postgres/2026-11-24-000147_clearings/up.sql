-- What is to end of that which waits: of a domain that is an account's no more, or all that a deleted account had by
-- then. A row goes once all of it ended.
CREATE TABLE clearings (
  -- The domain, or the account.
  id BYTEA NOT NULL PRIMARY KEY,
  account_id BYTEA NOT NULL,
  -- NULL is every domain.
  domain_id BYTEA REFERENCES domains (id),
  -- The newest message that it is about; NULL is every message.
  through_id BYTEA,
  -- Messages that it ended so far.
  cleared BIGINT NOT NULL DEFAULT 0,
  noted_at TIMESTAMP NOT NULL
);
-- The one that was noted first is next.
CREATE INDEX clearings_oldest ON clearings (noted_at, id);
INSERT INTO clearings (id, account_id, domain_id, noted_at)
  SELECT domain_id, account_id, domain_id, removed_at FROM removed_domains;
-- What was put off after its account's deletion had cleared the queue waits to this day.
INSERT INTO clearings (id, account_id, through_id, noted_at)
  SELECT id, id, (SELECT message_id FROM queue WHERE account_id = accounts.id ORDER BY message_id DESC LIMIT 1), deleted_at
  FROM accounts WHERE deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM queue WHERE account_id = accounts.id);
DROP TABLE removed_domains;
-- Domains that are still being given the suppressions which were made for every domain of their account.
CREATE TABLE suppression_copies (
  domain_id BYTEA NOT NULL PRIMARY KEY REFERENCES domains (id),
  -- The last one that was copied.
  after_id BYTEA NOT NULL
);
