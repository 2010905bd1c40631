-- Somebody wants the job to run at once, whatever it asks for itself when it ends.
ALTER TABLE jobs ADD COLUMN is_hastened boolean NOT NULL DEFAULT FALSE;

-- Rows of exports that a run could not use, as they came.
CREATE TABLE sync_rejected_rows (
    instance_id uuid NOT NULL,
    run_id uuid NOT NULL,
    -- The export, and the number of the record in its file.
    position bigint NOT NULL,
    line bigint NOT NULL,
    marketo_id bigint,
    reason text NOT NULL,
    window_start timestamptz NOT NULL,
    -- The row's beginning; about a person.
    content text NOT NULL,
    PRIMARY KEY (instance_id, run_id, position, line),
    FOREIGN KEY (instance_id, run_id) REFERENCES sync_runs (instance_id, id) ON DELETE CASCADE
);
