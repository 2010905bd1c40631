-- When the rows of an import were deleted, some time after it ended.
ALTER TABLE invite_imports ADD COLUMN rows_deleted_at TEXT;

-- Of each kind of tidying up there is one job for all instances.
CREATE UNIQUE INDEX jobs_one_of_tidying ON jobs (kind) WHERE kind IN ('forget_invites', 'forget_mail') AND state IN ('queued', 'running');

-- For the deletion of old messages.
CREATE INDEX mail_messages_finished ON mail_messages (finished_at) WHERE finished_at IS NOT NULL;
