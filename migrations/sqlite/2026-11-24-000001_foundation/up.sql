-- Ids are UUIDv7 in 16 bytes, times UTC, enums text. The same names and columns on both databases.

CREATE TABLE accounts (
  id BLOB NOT NULL PRIMARY KEY,
  parent_id BLOB REFERENCES accounts (id),
  name TEXT NOT NULL,
  name_lower TEXT NOT NULL,
  website TEXT NOT NULL,
  about TEXT NOT NULL DEFAULT '',
  external_id TEXT,
  owner_id BLOB,
  track_opens BOOLEAN NOT NULL DEFAULT FALSE,
  track_clicks BOOLEAN NOT NULL DEFAULT FALSE,
  reject_bad_recipients BOOLEAN NOT NULL DEFAULT FALSE,
  reject_mistyped_recipients BOOLEAN NOT NULL DEFAULT FALSE,
  metadata_retention INTEGER NOT NULL DEFAULT 30,
  data_retention INTEGER NOT NULL DEFAULT 7,
  monthly_credit BIGINT NOT NULL DEFAULT 0,
  -- Meaningful on a parent: how its billing periods run. A change applies from the next period.
  time_zone TEXT NOT NULL DEFAULT 'UTC',
  anchor_day INTEGER NOT NULL DEFAULT 1,
  -- How an agency shows itself to its clients.
  brand_name TEXT,
  logo BLOB,
  logo_type TEXT,
  -- Lower case: name, website, external id and domains, for the search box.
  search_text TEXT NOT NULL DEFAULT '',
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  deleted_at TIMESTAMP
);
CREATE INDEX accounts_by_parent ON accounts (parent_id, created_at, id);
CREATE INDEX accounts_by_external_id ON accounts (parent_id, external_id);

-- What a list of sub accounts shows and sorts by; flushed from exact counters about once a second.
CREATE TABLE account_summaries (
  account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
  parent_id BLOB NOT NULL,
  name_lower TEXT NOT NULL,
  -- active, suspended, deleted; a parent's own hold is derived, never stored here
  state TEXT NOT NULL,
  -- none, under, near, at
  cap_state TEXT NOT NULL,
  monthly_credit BIGINT NOT NULL,
  period_id BLOB,
  sent BIGINT NOT NULL DEFAULT 0,
  used_permille BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  bounced BIGINT NOT NULL DEFAULT 0,
  complained BIGINT NOT NULL DEFAULT 0,
  bounce_ppm BIGINT NOT NULL DEFAULT 0,
  complaint_ppm BIGINT NOT NULL DEFAULT 0,
  domain_count BIGINT NOT NULL DEFAULT 0,
  member_count BIGINT NOT NULL DEFAULT 0,
  last_activity_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX summaries_by_name ON account_summaries (parent_id, name_lower, account_id);
CREATE INDEX summaries_by_sent ON account_summaries (parent_id, sent, account_id);
CREATE INDEX summaries_by_used ON account_summaries (parent_id, used_permille, account_id);
CREATE INDEX summaries_by_bounces ON account_summaries (parent_id, bounce_ppm, account_id);
CREATE INDEX summaries_by_complaints ON account_summaries (parent_id, complaint_ppm, account_id);
CREATE INDEX summaries_by_domains ON account_summaries (parent_id, domain_count, account_id);
CREATE INDEX summaries_by_activity ON account_summaries (parent_id, last_activity_at, account_id);
CREATE INDEX summaries_by_state ON account_summaries (parent_id, state, account_id);
CREATE INDEX summaries_by_cap_state ON account_summaries (parent_id, cap_state, account_id);
CREATE INDEX summaries_by_created ON account_summaries (parent_id, created_at, account_id);

CREATE TABLE account_tags (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  tag TEXT NOT NULL,
  parent_id BLOB NOT NULL,
  PRIMARY KEY (account_id, tag)
);
CREATE INDEX account_tags_by_tag ON account_tags (parent_id, tag, account_id);

CREATE TABLE users (
  id BLOB NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  email_lower TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password_hash TEXT,
  disabled_at TIMESTAMP,
  last_sign_in_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);

CREATE TABLE memberships (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  user_id BLOB NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  invited_by BLOB,
  accepted_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (account_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, account_id);

-- Single-use links: invite, reset, setup. Only a digest of the secret is stored.
CREATE TABLE user_tokens (
  id BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  user_id BLOB,
  account_id BLOB,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP
);
CREATE INDEX user_tokens_by_user ON user_tokens (user_id, kind);

CREATE TABLE sessions (
  digest BLOB NOT NULL PRIMARY KEY,
  user_id BLOB,
  state TEXT NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  last_seen_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, last_seen_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Failed sign-ins, by the digest of what is throttled (an e-mail or an address).
CREATE TABLE sign_in_failures (
  id BLOB NOT NULL PRIMARY KEY,
  subject BLOB NOT NULL,
  at TIMESTAMP NOT NULL
);
CREATE INDEX sign_in_failures_by_subject ON sign_in_failures (subject, at);

-- A parent's member acting inside a child: why, since when, and whether raised to write.
CREATE TABLE view_as_grants (
  id BLOB NOT NULL PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES users (id),
  account_id BLOB NOT NULL REFERENCES accounts (id),
  reason TEXT NOT NULL,
  raised BOOLEAN NOT NULL DEFAULT FALSE,
  started_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP
);
CREATE INDEX view_as_by_user ON view_as_grants (user_id, account_id, started_at);

CREATE TABLE api_keys (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  label TEXT NOT NULL,
  public_key TEXT NOT NULL UNIQUE,
  secret_digest BLOB NOT NULL UNIQUE,
  ip_allow_list TEXT NOT NULL DEFAULT '[]',
  created_by TEXT NOT NULL,
  last_used_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  deleted_at TIMESTAMP
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at, id);

CREATE TABLE api_key_scopes (
  id BLOB NOT NULL PRIMARY KEY,
  api_key_id BLOB NOT NULL REFERENCES api_keys (id),
  scope TEXT NOT NULL,
  domain_id BLOB,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL
);
CREATE INDEX api_key_scopes_by_key ON api_key_scopes (api_key_id, id);
CREATE INDEX api_key_scopes_by_domain ON api_key_scopes (domain_id);

-- A suspension is a row, not a boolean.
CREATE TABLE suspensions (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  customer_text TEXT NOT NULL DEFAULT '',
  created_by TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  until_at TIMESTAMP,
  lifted_by TEXT,
  lifted_at TIMESTAMP
);
CREATE INDEX suspensions_open ON suspensions (account_id) WHERE lifted_at IS NULL;
CREATE INDEX suspensions_by_account ON suspensions (account_id, created_at);
CREATE INDEX suspensions_ending ON suspensions (until_at) WHERE lifted_at IS NULL AND until_at IS NOT NULL;

CREATE TABLE domains (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  dkim_selector TEXT,
  active_selector TEXT NOT NULL,
  dkim_private_sealed BLOB NOT NULL,
  dkim_public TEXT NOT NULL,
  tracking_subdomain TEXT,
  return_path_subdomain TEXT,
  subscription_subdomain TEXT,
  media_subdomain TEXT,
  dkim_rotation_interval_days INTEGER,
  dsn_recipient TEXT,
  -- The last look at DNS: {"spf": {"ok": true, "found": [], "problem": null}, ...}
  record_states TEXT NOT NULL DEFAULT '{}',
  verified_at TIMESTAMP,
  last_check_at TIMESTAMP,
  next_check_at TIMESTAMP NOT NULL,
  failed_checks INTEGER NOT NULL DEFAULT 0,
  -- The page for the client's IT people; sealed, because the link must be shown again.
  share_digest BLOB UNIQUE,
  share_sealed BLOB,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  deleted_at TIMESTAMP
);
CREATE UNIQUE INDEX domains_once_per_account ON domains (account_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX domains_verified_once ON domains (name) WHERE verified_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX domains_by_account ON domains (account_id, created_at, id);
CREATE INDEX domains_by_name ON domains (name, deleted_at);
CREATE INDEX domains_due ON domains (next_check_at) WHERE deleted_at IS NULL;

CREATE TABLE suppressions (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  email TEXT NOT NULL,
  email_lower TEXT NOT NULL,
  -- A domain of the account, or '*': every domain, later added ones included.
  domain TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX suppressions_once ON suppressions (account_id, email_lower, domain);
CREATE INDEX suppressions_by_account ON suppressions (account_id, created_at, id);
CREATE INDEX suppressions_by_expiry ON suppressions (expires_at);

-- Billing periods of a parent.
CREATE TABLE periods (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  start_at TIMESTAMP NOT NULL,
  end_at TIMESTAMP NOT NULL,
  time_zone TEXT NOT NULL,
  anchor_day INTEGER NOT NULL,
  created_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX periods_by_account ON periods (account_id, start_at);

-- Effective-dated prices of a parent; tiers are JSON.
CREATE TABLE plans (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  effective_from TIMESTAMP NOT NULL,
  currency TEXT NOT NULL,
  monthly_fee_minor BIGINT NOT NULL,
  included BIGINT NOT NULL,
  tiers TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
);
CREATE INDEX plans_by_account ON plans (account_id, effective_from);

-- The exact counter of an account in a period: caps are granted from it, money is made from it.
CREATE TABLE counters (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  period_id BLOB NOT NULL REFERENCES periods (id),
  parent_id BLOB NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  deferred BIGINT NOT NULL DEFAULT 0,
  bounced BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  suppressed BIGINT NOT NULL DEFAULT 0,
  complained BIGINT NOT NULL DEFAULT 0,
  alerted_80_at TIMESTAMP,
  alerted_100_at TIMESTAMP,
  last_activity_at TIMESTAMP,
  dirty BOOLEAN NOT NULL DEFAULT TRUE,
  PRIMARY KEY (account_id, period_id)
);
CREATE INDEX counters_by_parent ON counters (parent_id, period_id, account_id);
CREATE INDEX counters_dirty ON counters (account_id) WHERE dirty;

-- The ledger by day of the parent's time zone. Never purged.
CREATE TABLE usage_days (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  period_id BLOB NOT NULL REFERENCES periods (id),
  day TEXT NOT NULL,
  parent_id BLOB NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  deferred BIGINT NOT NULL DEFAULT 0,
  bounced BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  suppressed BIGINT NOT NULL DEFAULT 0,
  complained BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, day, period_id)
);

-- The same for a whole parent, so that a chart of all its accounts costs thirty rows.
CREATE TABLE usage_totals (
  parent_id BLOB NOT NULL,
  day TEXT NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  delivered BIGINT NOT NULL DEFAULT 0,
  bounced BIGINT NOT NULL DEFAULT 0,
  complained BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (parent_id, day)
);

CREATE TABLE usage_domains (
  account_id BLOB NOT NULL,
  period_id BLOB NOT NULL,
  day TEXT NOT NULL,
  domain_id BLOB NOT NULL,
  accepted BIGINT NOT NULL,
  PRIMARY KEY (account_id, day, period_id, domain_id)
);

CREATE TABLE usage_tags (
  account_id BLOB NOT NULL,
  period_id BLOB NOT NULL,
  day TEXT NOT NULL,
  tag TEXT NOT NULL,
  accepted BIGINT NOT NULL,
  PRIMARY KEY (account_id, day, period_id, tag)
);

-- What a request said, stored once and shared by its messages; goes by data retention.
CREATE TABLE contents (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  -- JSON of domain::message::Rendered
  payload BLOB NOT NULL,
  -- The request whose attachments belong to it.
  request_id BLOB NOT NULL,
  -- How many of its messages are not final yet: while there are any, it stays.
  waiting INTEGER NOT NULL,
  purge_at TIMESTAMP NOT NULL
);
CREATE INDEX contents_due ON contents (purge_at) WHERE waiting = 0;
CREATE INDEX contents_by_request ON contents (request_id);

CREATE TABLE attachments (
  request_id BLOB NOT NULL,
  position INTEGER NOT NULL,
  file_name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  disposition TEXT,
  content_id TEXT,
  data BLOB NOT NULL,
  PRIMARY KEY (request_id, position)
);

CREATE TABLE messages (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  domain_id BLOB NOT NULL,
  period_id BLOB NOT NULL,
  day TEXT NOT NULL,
  content_id BLOB NOT NULL,
  sender TEXT NOT NULL,
  sender_domain TEXT NOT NULL,
  recipient TEXT NOT NULL,
  recipient_lower TEXT NOT NULL,
  recipient_name TEXT,
  subject TEXT NOT NULL,
  tags TEXT NOT NULL DEFAULT '[]',
  status TEXT NOT NULL,
  sandbox TEXT,
  track_opens BOOLEAN NOT NULL DEFAULT FALSE,
  track_clicks BOOLEAN NOT NULL DEFAULT FALSE,
  num_attempts INTEGER NOT NULL DEFAULT 0,
  bounce_classification TEXT NOT NULL DEFAULT '',
  scheduled_at TIMESTAMP,
  expires_at TIMESTAMP NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  sent_at TIMESTAMP,
  delivered_at TIMESTAMP,
  retain_until TIMESTAMP NOT NULL,
  purge_at TIMESTAMP NOT NULL
);
CREATE INDEX messages_by_account ON messages (account_id, id);
CREATE INDEX messages_by_recipient ON messages (account_id, recipient_lower, id);
CREATE INDEX messages_by_status ON messages (account_id, status, id);
CREATE INDEX messages_by_sender_domain ON messages (account_id, sender_domain, id);
CREATE INDEX messages_due ON messages (purge_at);

-- The story of a message beside its delivery attempts.
CREATE TABLE message_events (
  id BLOB NOT NULL PRIMARY KEY,
  message_id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  at TIMESTAMP NOT NULL,
  status TEXT NOT NULL,
  log TEXT NOT NULL
);
CREATE INDEX message_events_by_message ON message_events (message_id, id);

-- A delivery has started when its attempt row is committed.
CREATE TABLE attempts (
  id BLOB NOT NULL PRIMARY KEY,
  message_id BLOB NOT NULL,
  account_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP,
  status TEXT NOT NULL,
  host TEXT NOT NULL DEFAULT '',
  code INTEGER,
  log TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attempts_by_message ON attempts (message_id, id);

CREATE TABLE queue (
  message_id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  due_at TIMESTAMP NOT NULL,
  leased_until TIMESTAMP,
  lease_owner BLOB,
  attempts INTEGER NOT NULL DEFAULT 0,
  expires_at TIMESTAMP NOT NULL
);
CREATE INDEX queue_by_account ON queue (account_id, due_at, message_id);

-- Which accounts have something due: workers serve the one that waited longest.
CREATE TABLE account_queues (
  account_id BLOB NOT NULL PRIMARY KEY,
  next_due_at TIMESTAMP NOT NULL,
  served_at TIMESTAMP NOT NULL
);
CREATE INDEX account_queues_by_turn ON account_queues (served_at, account_id);
CREATE INDEX account_queues_by_due ON account_queues (next_due_at);

-- How an account's mail leaves; a child without a row uses its parent's.
CREATE TABLE transports (
  account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
  kind TEXT NOT NULL,
  host TEXT NOT NULL DEFAULT '',
  port INTEGER NOT NULL DEFAULT 0,
  tls TEXT NOT NULL DEFAULT 'none',
  username TEXT NOT NULL DEFAULT '',
  password_sealed BLOB,
  updated_at TIMESTAMP NOT NULL
);

CREATE TABLE audit_entries (
  id BLOB NOT NULL PRIMARY KEY,
  root_id BLOB NOT NULL,
  seq BIGINT NOT NULL,
  account_id BLOB NOT NULL,
  at TIMESTAMP NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id BLOB,
  actor_label TEXT NOT NULL,
  on_behalf_of BLOB,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  after TEXT,
  address TEXT NOT NULL,
  request_id TEXT NOT NULL,
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL
);
CREATE UNIQUE INDEX audit_chain ON audit_entries (root_id, seq);
CREATE INDEX audit_by_account ON audit_entries (account_id, seq);
CREATE INDEX audit_by_action ON audit_entries (root_id, action, seq);

CREATE TABLE audit_heads (
  root_id BLOB NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash BLOB NOT NULL
);

CREATE TABLE idempotency_keys (
  account_id BLOB NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  lease_until TIMESTAMP NOT NULL,
  lease_owner BLOB NOT NULL,
  status INTEGER,
  -- Sealed: an answer may hold a secret or a recipient's name.
  body BLOB,
  expires_at TIMESTAMP NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency_keys (expires_at);

-- System mail waiting to leave: invitations, resets, alerts.
CREATE TABLE system_mails (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB,
  kind TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- Sealed: a reset mail holds a live link.
  body_sealed BLOB NOT NULL,
  created_at TIMESTAMP NOT NULL,
  due_at TIMESTAMP NOT NULL,
  leased_until TIMESTAMP,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX system_mails_due ON system_mails (due_at);

-- Long work that can be left and found again.
CREATE TABLE jobs (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  user_id BLOB,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP
);
CREATE INDEX jobs_by_account ON jobs (account_id, created_at);
CREATE INDEX jobs_waiting ON jobs (created_at) WHERE finished_at IS NULL;

CREATE TABLE job_rows (
  job_id BLOB NOT NULL,
  position INTEGER NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL,
  result TEXT NOT NULL DEFAULT '',
  -- Something shown once, such as a new key; sealed.
  secret_sealed BLOB,
  PRIMARY KEY (job_id, position)
);

-- Work that must run once holds a lease here.
CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  owner BLOB NOT NULL,
  until_at TIMESTAMP NOT NULL
);
