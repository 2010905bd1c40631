-- Jobs wait in lanes, and each instance takes its turn. A row of failures that grows too long makes a job a dead letter.
-- There was an unbounded number of these; the service makes the only one when it starts.
DELETE FROM jobs WHERE kind = 'forget_idempotency_keys';
CREATE TABLE jobs_in_lanes (
    id BLOB PRIMARY KEY,
    instance_id BLOB,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL DEFAULT 'maintenance',
    -- Who takes turns: the instance; zeros for jobs of no instance.
    fairness_key BLOB NOT NULL DEFAULT X'00000000000000000000000000000000',
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead')),
    run_at TEXT NOT NULL,
    -- Whether run_at has come; a process notes it.
    is_due INTEGER NOT NULL DEFAULT 0,
    is_hastened INTEGER NOT NULL DEFAULT 0,
    -- The only one of its kind.
    is_singleton INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- In a row.
    failures INTEGER NOT NULL DEFAULT 0,
    locked_by BLOB,
    locked_until TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    -- Of the last attempt.
    started_at TEXT,
    finished_at TEXT
) STRICT;
INSERT INTO jobs_in_lanes (id, instance_id, kind, lane, fairness_key, payload, state, run_at, is_hastened, is_singleton, attempts, locked_by,
    locked_until, last_error, created_at, finished_at)
SELECT id, instance_id, kind, CASE kind
        WHEN 'password_reset' THEN 'interactive' WHEN 'send_mail' THEN 'mail' WHEN 'invite_import' THEN 'imports'
        WHEN 'sync_run' THEN 'sync' WHEN 'sync_schedule' THEN 'schedule' ELSE 'maintenance' END,
    COALESCE(instance_id, X'00000000000000000000000000000000'), payload, CASE state WHEN 'failed' THEN 'done' ELSE state END, run_at,
    is_hastened, kind IN ('sync_schedule', 'forget_invites', 'forget_mail'), attempts, locked_by, locked_until, last_error, created_at, finished_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_in_lanes RENAME TO jobs;

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
