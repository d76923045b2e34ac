-- Domains whose records are not published yet, the newest first: what an agency looks after.
CREATE INDEX domains_unverified ON domains (created_at, account_id) WHERE verified_at IS NULL AND deleted_at IS NULL;
