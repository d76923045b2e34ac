DROP TABLE usage_totals;
CREATE TABLE usage_totals (
  parent_id BYTEA NOT NULL,
  day TEXT NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  bounced BIGINT NOT NULL DEFAULT 0,
  complained BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (parent_id, day)
);
INSERT INTO usage_totals (parent_id, day, accepted, delivered, bounced, complained)
SELECT parent_id, day, CAST(sum(accepted) AS BIGINT), CAST(sum(delivered) AS BIGINT),
  CAST(sum(bounced) AS BIGINT), CAST(sum(complained) AS BIGINT)
FROM usage_days GROUP BY parent_id, day;
