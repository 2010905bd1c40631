-- Kinds of runs; runs that wait for a quota or a person, remove at the end, and can be cancelled.
DROP INDEX sync_run_under_way;
ALTER TABLE sync_runs DROP CONSTRAINT sync_runs_state_check;
ALTER TABLE sync_runs ADD CONSTRAINT sync_runs_state_check CHECK (state IN
    ('queued', 'extracting', 'qualifying', 'loading', 'reconciling', 'completed', 'failed', 'cancelled', 'paused'));
-- One run at a time; a paused one is still under way.
CREATE UNIQUE INDEX sync_run_under_way ON sync_runs (instance_id)
    WHERE state IN ('queued', 'extracting', 'qualifying', 'loading', 'reconciling', 'paused');

ALTER TABLE sync_runs ADD COLUMN kind text NOT NULL DEFAULT 'full' CHECK (kind IN ('full', 'incremental'));
-- What somebody asked of it; whoever carries it out does so at the next batch.
ALTER TABLE sync_runs ADD COLUMN requested text CHECK (requested IN ('cancel', 'pause'));
-- The state it goes on in after a pause or a failure, when a pause ends by itself, and why it pauses: `requested` or a failure's code.
ALTER TABLE sync_runs ADD COLUMN goes_on_in text;
ALTER TABLE sync_runs ADD COLUMN goes_on_at timestamptz;
ALTER TABLE sync_runs ADD COLUMN paused_because text;
-- The job that may carry it out, and the try that does: an earlier one that still lives writes nothing more.
ALTER TABLE sync_runs ADD COLUMN job_id uuid;
ALTER TABLE sync_runs ADD COLUMN carried_by uuid;
-- Whether what it has read is still there, for a failed run to go on with.
ALTER TABLE sync_runs ADD COLUMN keeps_staging boolean NOT NULL DEFAULT FALSE;
