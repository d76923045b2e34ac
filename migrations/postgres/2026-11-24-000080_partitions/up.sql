-- Messages and their stories lie in a partition for each day (UTC), so that retention drops a day whole. Ids begin with
-- the milliseconds since 1970 in six bytes (UUIDv7), so a range of ids is a range of time: six bytes sort before every id
-- that begins with them. What has no partition of its own lies in the default one.
CREATE TABLE messages_parted (LIKE messages INCLUDING DEFAULTS) PARTITION BY RANGE (id);
CREATE TABLE message_events_parted (LIKE message_events INCLUDING DEFAULTS) PARTITION BY RANGE (message_id);
CREATE TABLE attempts_parted (LIKE attempts INCLUDING DEFAULTS) PARTITION BY RANGE (message_id);
CREATE TABLE messages_default PARTITION OF messages_parted DEFAULT;
CREATE TABLE message_events_default PARTITION OF message_events_parted DEFAULT;
CREATE TABLE attempts_default PARTITION OF attempts_parted DEFAULT;
-- A day for what is there already; days to come are made by the program.
DO $$
DECLARE
  day DATE;
  part TEXT;
  low TEXT;
  high TEXT;
BEGIN
  FOR day IN SELECT DISTINCT created_at::date FROM messages ORDER BY 1 LOOP
    low := '\x' || lpad(to_hex(CAST(extract(epoch FROM day) * 1000 AS BIGINT)), 12, '0');
    high := '\x' || lpad(to_hex(CAST(extract(epoch FROM day + 1) * 1000 AS BIGINT)), 12, '0');
    FOREACH part IN ARRAY ARRAY['messages', 'message_events', 'attempts'] LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        part || '_d' || to_char(day, 'YYYYMMDD'), part || '_parted', low, high);
    END LOOP;
  END LOOP;
END $$;
INSERT INTO messages_parted SELECT * FROM messages;
INSERT INTO message_events_parted SELECT * FROM message_events;
INSERT INTO attempts_parted SELECT * FROM attempts;
DROP TABLE messages;
DROP TABLE message_events;
DROP TABLE attempts;
ALTER TABLE messages_parted RENAME TO messages;
ALTER TABLE message_events_parted RENAME TO message_events;
ALTER TABLE attempts_parted RENAME TO attempts;
ALTER TABLE messages ADD CONSTRAINT messages_pkey PRIMARY KEY (id);
CREATE INDEX messages_by_account ON messages (account_id, id);
CREATE INDEX messages_by_recipient ON messages (account_id, recipient_lower, id);
CREATE INDEX messages_by_status ON messages (account_id, status, id);
CREATE INDEX messages_by_sender_domain ON messages (account_id, sender_domain, id);
CREATE INDEX messages_due ON messages (purge_at);
ALTER TABLE message_events ADD CONSTRAINT message_events_pkey PRIMARY KEY (message_id, id);
ALTER TABLE attempts ADD CONSTRAINT attempts_pkey PRIMARY KEY (message_id, id);
