-- What waits, as people look at it: of a whole family or of one account, by destination and by what it waits for, each
-- in the order of acceptance (message ids rise with time). Nothing is sorted, however much waits.
ALTER TABLE queue ADD COLUMN parent_id BYTEA NOT NULL DEFAULT '';
-- The recipient's domain.
ALTER TABLE queue ADD COLUMN destination TEXT NOT NULL DEFAULT '';
-- waiting, scheduled, deferred
ALTER TABLE queue ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE held_messages ADD COLUMN parent_id BYTEA NOT NULL DEFAULT '';
ALTER TABLE held_messages ADD COLUMN destination TEXT NOT NULL DEFAULT '';
UPDATE queue SET
  parent_id = COALESCE((SELECT COALESCE(a.parent_id, a.id) FROM accounts a WHERE a.id = queue.account_id), queue.account_id),
  destination = COALESCE((SELECT split_part(m.recipient_lower, '@', 2) FROM messages m WHERE m.id = queue.message_id), ''),
  state = COALESCE((SELECT CASE m.status WHEN 'deferred' THEN 'deferred' WHEN 'scheduled' THEN 'scheduled' ELSE 'waiting' END FROM messages m WHERE m.id = queue.message_id), 'waiting');
UPDATE held_messages SET
  parent_id = COALESCE((SELECT COALESCE(a.parent_id, a.id) FROM accounts a WHERE a.id = held_messages.account_id), held_messages.account_id),
  destination = COALESCE((SELECT split_part(m.recipient_lower, '@', 2) FROM messages m WHERE m.id = held_messages.message_id), '');
CREATE INDEX queue_of_parent ON queue (parent_id, state, message_id);
CREATE INDEX queue_of_account ON queue (account_id, state, message_id);
CREATE INDEX queue_to_destination ON queue (parent_id, destination, state, message_id);
-- Those that are leaving now: never many.
CREATE INDEX queue_leaving ON queue (parent_id, message_id) WHERE leased_until IS NOT NULL;
CREATE INDEX held_messages_of_parent ON held_messages (parent_id, message_id);
CREATE INDEX held_messages_of_account ON held_messages (account_id, message_id);
CREATE INDEX held_messages_to_destination ON held_messages (parent_id, destination, message_id);
