ALTER TABLE usage_domains DROP COLUMN complained;
ALTER TABLE usage_domains DROP COLUMN bounced;
ALTER TABLE usage_domains DROP COLUMN delivered;
ALTER TABLE counters DROP COLUMN complaints_warned_at;
ALTER TABLE counters DROP COLUMN bounces_warned_at;
DROP TABLE inbound_refusals;
DROP TABLE departed;
DROP TABLE returned_reports;
