-- The nodes that run: each says so every few seconds.
CREATE TABLE nodes (
  id BYTEA NOT NULL PRIMARY KEY,
  -- With commas: web, worker, mx
  roles TEXT NOT NULL,
  host_name TEXT NOT NULL,
  started_at TIMESTAMP NOT NULL,
  seen_at TIMESTAMP NOT NULL
);
-- API requests that an account may still make, on any node. Unlogged: a crash of the database forgets them,
-- and everybody may begin anew.
CREATE UNLOGGED TABLE rate_buckets (
  account_id BYTEA NOT NULL PRIMARY KEY,
  -- Millionths of requests.
  level BIGINT NOT NULL,
  -- Microseconds since 1970.
  filled_at BIGINT NOT NULL,
  -- What the last taker got.
  granted BIGINT NOT NULL
);
