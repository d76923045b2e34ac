-- Names and passwords by which clients hand in mail over SMTP.
CREATE TABLE smtp_credentials (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL,
  name TEXT NOT NULL,
  username TEXT NOT NULL,
  password_digest BLOB NOT NULL,
  -- Everything sent by it stays in the sandbox.
  sandbox BOOLEAN NOT NULL,
  -- For every domain of the account, later ones included; else for those of smtp_credential_domains.
  is_global BOOLEAN NOT NULL,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  deleted_at TIMESTAMP
);
CREATE UNIQUE INDEX smtp_credentials_username ON smtp_credentials (username);
CREATE INDEX smtp_credentials_account ON smtp_credentials (account_id, id) WHERE deleted_at IS NULL;

CREATE TABLE smtp_credential_domains (
  credential_id BLOB NOT NULL,
  domain_id BLOB NOT NULL,
  domain TEXT NOT NULL,
  PRIMARY KEY (credential_id, domain_id)
);
CREATE INDEX smtp_credential_domains_domain ON smtp_credential_domains (domain_id);
CREATE INDEX smtp_credential_domains_name ON smtp_credential_domains (domain, credential_id);
