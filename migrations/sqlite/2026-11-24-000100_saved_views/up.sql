-- Searches of the list of sub accounts that a member keeps under a name, for themselves or for all members of the account.
CREATE TABLE saved_views (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  -- Who made it.
  user_id BLOB NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  name_lower TEXT NOT NULL,
  -- All members see it.
  shared BOOLEAN NOT NULL,
  -- The list's address behind its question mark; empty is the list as it opens.
  query TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX saved_views_own ON saved_views (account_id, user_id, name_lower);
CREATE INDEX saved_views_shared ON saved_views (account_id, name_lower) WHERE shared;
