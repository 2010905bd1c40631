-- Jobs wait in lanes, and each instance takes its turn. A row of failures that grows too long makes a job a dead letter.
-- There was an unbounded number of these; the service makes the only one when it starts.
DELETE FROM jobs WHERE kind = 'forget_idempotency_keys';
DROP INDEX jobs_due;
DROP INDEX jobs_one_sync_schedule;
DROP INDEX jobs_one_of_tidying;
ALTER TABLE jobs ADD COLUMN lane text NOT NULL DEFAULT 'maintenance';
-- Who takes turns: the instance; zeros for jobs of no instance.
ALTER TABLE jobs ADD COLUMN fairness_key uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
-- Whether run_at has come; a process notes it.
ALTER TABLE jobs ADD COLUMN is_due boolean NOT NULL DEFAULT FALSE;
-- The only one of its kind.
ALTER TABLE jobs ADD COLUMN is_singleton boolean NOT NULL DEFAULT FALSE;
-- In a row.
ALTER TABLE jobs ADD COLUMN failures bigint NOT NULL DEFAULT 0;
-- Of the last attempt.
ALTER TABLE jobs ADD COLUMN started_at timestamptz;
ALTER TABLE jobs DROP CONSTRAINT jobs_state_check;
UPDATE jobs SET
    lane = CASE kind
        WHEN 'password_reset' THEN 'interactive' WHEN 'send_mail' THEN 'mail' WHEN 'invite_import' THEN 'imports'
        WHEN 'sync_run' THEN 'sync' WHEN 'sync_schedule' THEN 'schedule' ELSE 'maintenance' END,
    fairness_key = COALESCE(instance_id, '00000000-0000-0000-0000-000000000000'),
    state = CASE state WHEN 'failed' THEN 'done' ELSE state END,
    is_singleton = kind IN ('sync_schedule', 'forget_invites', 'forget_mail');
ALTER TABLE jobs ADD CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'dead'));

-- The next job of an instance in a lane, and the next instance that has one. With the kind, by which they are counted.
CREATE INDEX jobs_due ON jobs (lane, fairness_key, run_at, kind) WHERE state = 'queued' AND is_due = TRUE;
-- Jobs whose time comes.
CREATE INDEX jobs_later ON jobs (run_at, kind) WHERE state = 'queued' AND is_due = FALSE;
-- Jobs whose lease runs out.
CREATE INDEX jobs_running ON jobs (lane, locked_until) WHERE state = 'running';
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
-- For their deletion.
CREATE INDEX jobs_ended ON jobs (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_done ON jobs (instance_id, kind) WHERE state = 'done';
-- Of some kinds an instance, or all of them together, has one job.
CREATE UNIQUE INDEX jobs_singleton ON jobs (kind, fairness_key) WHERE is_singleton = TRUE AND state IN ('queued', 'running');
