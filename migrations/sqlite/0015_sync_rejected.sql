-- Somebody wants the job to run at once, whatever it asks for itself when it ends.
ALTER TABLE jobs ADD COLUMN is_hastened INTEGER NOT NULL DEFAULT 0;

-- Rows of exports that a run could not use, as they came.
CREATE TABLE sync_rejected_rows (
    instance_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    -- The export, and the number of the record in its file.
    position INTEGER NOT NULL,
    line INTEGER NOT NULL,
    marketo_id INTEGER,
    reason TEXT NOT NULL,
    window_start TEXT NOT NULL,
    -- The row's beginning; about a person.
    content TEXT NOT NULL,
    PRIMARY KEY (instance_id, run_id, position, line),
    FOREIGN KEY (instance_id, run_id) REFERENCES sync_runs (instance_id, id) ON DELETE CASCADE
) STRICT;
