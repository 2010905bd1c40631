-- Kinds of runs; runs that wait for a quota or a person, remove at the end, and can be cancelled.
DROP INDEX sync_run_under_way;
-- A check can't be changed: the column is made anew. The table stays, with the rows that refer to it.
ALTER TABLE sync_runs RENAME COLUMN state TO old_state;
ALTER TABLE sync_runs ADD COLUMN state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN
    ('queued', 'extracting', 'qualifying', 'loading', 'reconciling', 'completed', 'failed', 'cancelled', 'paused'));
UPDATE sync_runs SET state = old_state;
ALTER TABLE sync_runs DROP COLUMN old_state;
-- One run at a time; a paused one is still under way.
CREATE UNIQUE INDEX sync_run_under_way ON sync_runs (instance_id)
    WHERE state IN ('queued', 'extracting', 'qualifying', 'loading', 'reconciling', 'paused');

ALTER TABLE sync_runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'full' CHECK (kind IN ('full', 'incremental'));
-- What somebody asked of it; whoever carries it out does so at the next batch.
ALTER TABLE sync_runs ADD COLUMN requested TEXT CHECK (requested IN ('cancel', 'pause'));
-- The state it goes on in after a pause or a failure, when a pause ends by itself, and why it pauses: `requested` or a failure's code.
ALTER TABLE sync_runs ADD COLUMN goes_on_in TEXT;
ALTER TABLE sync_runs ADD COLUMN goes_on_at TEXT;
ALTER TABLE sync_runs ADD COLUMN paused_because TEXT;
-- The job that may carry it out, and the try that does: an earlier one that still lives writes nothing more.
ALTER TABLE sync_runs ADD COLUMN job_id BLOB;
ALTER TABLE sync_runs ADD COLUMN carried_by BLOB;
-- Whether what it has read is still there, for a failed run to go on with.
ALTER TABLE sync_runs ADD COLUMN keeps_staging INTEGER NOT NULL DEFAULT 0;
