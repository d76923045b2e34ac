DROP INDEX contents_due;
DROP INDEX contents_by_request;
ALTER TABLE contents DROP COLUMN has_attachments;
ALTER TABLE contents DROP COLUMN last_message_id;
ALTER TABLE contents ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
UPDATE contents SET waiting = open.n
  FROM (SELECT content_id, count(*) AS n FROM messages WHERE status IN ('received', 'scheduled', 'held', 'deferred')
    GROUP BY content_id) open WHERE open.content_id = contents.id;
CREATE INDEX contents_due ON contents (purge_at) WHERE waiting = 0;
CREATE INDEX contents_by_request ON contents (request_id);
