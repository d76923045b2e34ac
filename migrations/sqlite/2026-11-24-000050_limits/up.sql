-- What bounds an account beside its monthly cap, and what happens there. No row: the defaults.
CREATE TABLE sending_limits (
  account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
  -- reject, hold, overage
  at_cap TEXT NOT NULL DEFAULT 'reject',
  -- Days that a message held at the cap is kept.
  hold_days INTEGER NOT NULL DEFAULT 3,
  -- Messages a day and an hour; 0 is no cap.
  daily BIGINT NOT NULL DEFAULT 0,
  hourly BIGINT NOT NULL DEFAULT 0,
  sends_nothing BOOLEAN NOT NULL DEFAULT FALSE,
  -- Percents of the cap at which members are told, rising, with commas.
  alerts TEXT NOT NULL DEFAULT '80,100',
  -- Of a parent: messages a period of all its accounts together; 0 is no cap.
  pool BIGINT NOT NULL DEFAULT 0,
  updated_at TIMESTAMP NOT NULL
);
-- Exact counts of an hour, for accounts with an hourly cap.
CREATE TABLE usage_hours (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  -- Hours since 1970-01-01T00:00:00Z.
  hour BIGINT NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, hour)
);
CREATE INDEX usage_hours_by_hour ON usage_hours (hour);
-- Exact counts of a parent's whole period, for parents with a pool cap.
CREATE TABLE pool_counters (
  parent_id BLOB NOT NULL REFERENCES accounts (id),
  period_id BLOB NOT NULL REFERENCES periods (id),
  accepted BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (parent_id, period_id)
);
-- Which shares of a cap were told in a period.
CREATE TABLE cap_alerts (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  period_id BLOB NOT NULL REFERENCES periods (id),
  percent INTEGER NOT NULL,
  told_at TIMESTAMP NOT NULL,
  PRIMARY KEY (account_id, period_id, percent)
);
INSERT INTO cap_alerts (account_id, period_id, percent, told_at)
  SELECT account_id, period_id, 80, alerted_80_at FROM counters WHERE alerted_80_at IS NOT NULL
  UNION ALL SELECT account_id, period_id, 100, alerted_100_at FROM counters WHERE alerted_100_at IS NOT NULL;
ALTER TABLE counters DROP COLUMN alerted_80_at;
ALTER TABLE counters DROP COLUMN alerted_100_at;
-- Messages that wait at the cap for the next period, a raise or a lift, the oldest first.
CREATE TABLE held_messages (
  message_id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  held_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  -- When it was to leave: later than the release for a scheduled one.
  due_at TIMESTAMP NOT NULL
);
CREATE INDEX held_messages_by_account ON held_messages (account_id, held_at, message_id);
CREATE INDEX held_messages_by_expiry ON held_messages (account_id, expires_at);
