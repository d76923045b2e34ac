ALTER TABLE queue ADD COLUMN leased_until TIMESTAMP;
ALTER TABLE queue ADD COLUMN lease_owner BYTEA;
UPDATE queue SET leased_until = lease.until_at, lease_owner = lease.owner, attempts = lease.attempt
  FROM queue_leases lease WHERE lease.message_id = queue.message_id;
DROP TABLE queue_leases;
CREATE INDEX queue_leased ON queue (account_id, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX queue_leaving ON queue (parent_id, message_id) WHERE leased_until IS NOT NULL;
