-- Whom nobody has seen to yet.
INSERT INTO clearings (id, account_id, domain_id, noted_at)
  SELECT other.id, other.account_id, other.id, held.verified_at
  FROM takeovers t
  JOIN domains held ON held.id = t.domain_id
  JOIN domains other ON other.name = held.name AND other.account_id <> held.account_id
  WHERE held.verified_at IS NOT NULL AND held.deleted_at IS NULL AND other.verified_at IS NULL AND other.deleted_at IS NULL
  ON CONFLICT (id) DO NOTHING;
DROP INDEX domains_holding;
DROP INDEX domains_waiting;
DROP TABLE takeovers;
