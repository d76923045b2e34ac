-- Whether a message still waits for its content is asked of the messages when the content's time has come, and not
-- counted with the content: delivering a message need not write its body anew.
DROP INDEX contents_due;
DROP INDEX contents_by_request;
ALTER TABLE contents DROP COLUMN waiting;
-- The highest id of its messages; the lowest are of the content's own millisecond.
ALTER TABLE contents ADD COLUMN last_message_id BLOB NOT NULL DEFAULT x'';
-- Whether its request has attachments.
ALTER TABLE contents ADD COLUMN has_attachments BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE contents SET last_message_id = id;
UPDATE contents SET last_message_id = last.id
  FROM (SELECT content_id, max(id) AS id FROM messages GROUP BY content_id) last WHERE last.content_id = contents.id;
UPDATE contents SET has_attachments = TRUE WHERE request_id IN (SELECT request_id FROM attachments);
CREATE INDEX contents_due ON contents (purge_at);
CREATE INDEX contents_by_request ON contents (request_id) WHERE has_attachments;
