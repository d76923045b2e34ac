DROP TABLE suppression_copies;
CREATE TABLE removed_domains (
  domain_id BYTEA NOT NULL PRIMARY KEY REFERENCES domains (id),
  account_id BYTEA NOT NULL,
  removed_at TIMESTAMP NOT NULL
);
INSERT INTO removed_domains (domain_id, account_id, removed_at)
  SELECT domain_id, account_id, noted_at FROM clearings WHERE domain_id IS NOT NULL;
DROP TABLE clearings;
