DROP INDEX summaries_by_name_prefix;
DROP INDEX accounts_deleted;
