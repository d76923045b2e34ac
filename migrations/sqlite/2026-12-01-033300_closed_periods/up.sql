-- When a period was closed: nothing that is accepted counts in it any more, whatever a clock says. Null is open.
ALTER TABLE periods ADD COLUMN closed_at TIMESTAMP;
UPDATE periods SET closed_at = end_at WHERE EXISTS (
  SELECT 1 FROM periods AS later WHERE later.account_id = periods.account_id AND later.start_at >= periods.end_at
);
CREATE INDEX periods_open ON periods (end_at) WHERE closed_at IS NULL;
