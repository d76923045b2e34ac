-- MTA-STS policies that were fetched (RFC 8461), for all nodes.
CREATE TABLE mta_sts_policies (
  domain TEXT NOT NULL PRIMARY KEY,
  -- Of the DNS record that led to it.
  policy_id TEXT NOT NULL,
  -- enforce, testing or none
  mode TEXT NOT NULL,
  -- Patterns, with a space between them.
  mx TEXT NOT NULL,
  fetched_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX mta_sts_policies_over ON mta_sts_policies (expires_at);
