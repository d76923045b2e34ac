-- Who has a message of the queue, and until when: beside the queue, so that taking a message changes none of its indexes.
CREATE TABLE queue_leases (
  message_id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  parent_id BLOB NOT NULL,
  owner BLOB NOT NULL,
  until_at TIMESTAMP NOT NULL,
  -- The number of the attempt that is under way.
  attempt INTEGER NOT NULL
) WITHOUT ROWID;
-- When the next lease of an account ends.
CREATE INDEX queue_leases_by_account ON queue_leases (account_id, until_at);
INSERT INTO queue_leases (message_id, account_id, parent_id, owner, until_at, attempt)
  SELECT message_id, account_id, parent_id, lease_owner, leased_until, attempts FROM queue
  WHERE leased_until IS NOT NULL AND lease_owner IS NOT NULL;
DROP INDEX queue_leased;
DROP INDEX queue_leaving;
UPDATE queue SET attempts = attempts - 1 WHERE leased_until IS NOT NULL;
ALTER TABLE queue DROP COLUMN leased_until;
ALTER TABLE queue DROP COLUMN lease_owner;
