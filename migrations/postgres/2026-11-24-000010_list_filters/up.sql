-- What can still be undeleted.
CREATE INDEX accounts_deleted ON accounts (parent_id, deleted_at) WHERE deleted_at IS NOT NULL;
-- Names by their first letters: a LIKE prefix needs byte order, whatever the database's collation is.
CREATE INDEX summaries_by_name_prefix ON account_summaries (parent_id, name_lower text_pattern_ops);
