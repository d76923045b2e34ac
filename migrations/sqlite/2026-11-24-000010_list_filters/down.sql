DROP INDEX accounts_deleted;
