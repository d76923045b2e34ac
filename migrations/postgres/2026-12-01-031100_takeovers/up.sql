-- Domains that came to hold a name: what others who had added it have waiting is to end, noted in slices.
CREATE TABLE takeovers (
  domain_id BYTEA NOT NULL PRIMARY KEY REFERENCES domains (id),
  -- The last of the others that was seen to; NULL before the first.
  after_id BYTEA
);
-- Any number of accounts may have added a name: those who wait for it one after another, and those who hold it apart.
CREATE INDEX domains_waiting ON domains (name, id) WHERE verified_at IS NULL AND deleted_at IS NULL;
CREATE INDEX domains_holding ON domains (name, id) WHERE verified_at IS NOT NULL;
