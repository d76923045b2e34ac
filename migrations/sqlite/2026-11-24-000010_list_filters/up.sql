-- What can still be undeleted.
CREATE INDEX accounts_deleted ON accounts (parent_id, deleted_at) WHERE deleted_at IS NOT NULL;
