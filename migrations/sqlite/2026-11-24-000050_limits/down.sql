ALTER TABLE counters ADD COLUMN alerted_80_at TIMESTAMP;
ALTER TABLE counters ADD COLUMN alerted_100_at TIMESTAMP;
UPDATE counters SET
  alerted_80_at = (SELECT told_at FROM cap_alerts a WHERE a.account_id = counters.account_id AND a.period_id = counters.period_id AND percent = 80),
  alerted_100_at = (SELECT told_at FROM cap_alerts a WHERE a.account_id = counters.account_id AND a.period_id = counters.period_id AND percent = 100);
DROP TABLE held_messages;
DROP TABLE cap_alerts;
DROP TABLE pool_counters;
DROP TABLE usage_hours;
DROP TABLE sending_limits;
