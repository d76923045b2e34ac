-- What came back about a message: at most one bounce and one complaint each. A second one is a replay; soft bounces of
-- an address are counted from here. Kept a little longer than a report can be late.
CREATE TABLE returned_reports (
  message_id BLOB NOT NULL,
  -- bounce, complaint
  kind TEXT NOT NULL,
  account_id BLOB NOT NULL,
  sender_domain TEXT NOT NULL,
  -- SHA-256 of the address in lower case
  recipient_digest BLOB NOT NULL,
  -- hard, soft, none: what it says about the address
  weight TEXT NOT NULL,
  at TIMESTAMP NOT NULL,
  PRIMARY KEY (message_id, kind)
);
CREATE INDEX returned_reports_by_recipient ON returned_reports (account_id, recipient_digest, at);
CREATE INDEX returned_reports_by_age ON returned_reports (at);

-- What is left of a message that retention removed while reports about it may still come: where it is counted, and,
-- sealed, to whom it went.
CREATE TABLE departed (
  message_id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  domain_id BLOB NOT NULL,
  period_id BLOB NOT NULL,
  day TEXT NOT NULL,
  sender_domain TEXT NOT NULL,
  recipient_sealed BLOB NOT NULL,
  status TEXT NOT NULL,
  left_at TIMESTAMP NOT NULL
);
CREATE INDEX departed_by_age ON departed (left_at);

-- What came to the inbound listener and changed nothing, by day (UTC) and reason.
CREATE TABLE inbound_refusals (
  day TEXT NOT NULL,
  reason TEXT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (day, reason)
);

-- When members were told of a rate that is too high; empty again once it has fallen.
ALTER TABLE counters ADD COLUMN bounces_warned_at TIMESTAMP;
ALTER TABLE counters ADD COLUMN complaints_warned_at TIMESTAMP;

ALTER TABLE usage_domains ADD COLUMN delivered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_domains ADD COLUMN bounced BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_domains ADD COLUMN complained BIGINT NOT NULL DEFAULT 0;

-- Rates are of what left, no longer of what was accepted.
UPDATE account_summaries SET
  bounce_ppm = CASE WHEN delivered + bounced > 0 THEN bounced * 1000000 / (delivered + bounced) ELSE 0 END,
  complaint_ppm = CASE WHEN delivered + bounced > 0 THEN complained * 1000000 / (delivered + bounced) ELSE 0 END;
