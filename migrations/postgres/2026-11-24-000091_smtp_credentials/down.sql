DROP TABLE smtp_credential_domains;
DROP TABLE smtp_credentials;
