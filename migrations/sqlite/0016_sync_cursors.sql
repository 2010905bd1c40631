-- How far the changes of both vendors are read: the place that is read on from, and the one that a full run under way has set aside.
CREATE TABLE sync_cursors (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    place TEXT NOT NULL CHECK (place IN ('live', 'reserved')),
    -- The run that set it aside, or the one that moved it last.
    run_id BLOB NOT NULL,
    cursor TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, place)
) STRICT;

-- A scheduled pass that changed nothing; of these the last one of an hour is kept.
ALTER TABLE sync_runs ADD COLUMN idle INTEGER NOT NULL DEFAULT 0;

-- One job an instance that keeps the schedule.
CREATE UNIQUE INDEX jobs_one_sync_schedule ON jobs (instance_id) WHERE kind = 'sync_schedule' AND state IN ('queued', 'running');
