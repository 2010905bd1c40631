-- Data keys, sealed by a master key; they seal everything confidential.
CREATE TABLE data_keys (
    id BLOB PRIMARY KEY,
    -- Counts up; unique, so that two processes that start at once agree on one key.
    generation INTEGER NOT NULL UNIQUE,
    master_key_id TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- Work to do outside a request. Queued in the transaction of the change that wants it.
CREATE TABLE jobs (
    id BLOB PRIMARY KEY,
    instance_id BLOB,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    locked_by BLOB,
    locked_until TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    finished_at TEXT
) STRICT;
CREATE INDEX jobs_due ON jobs (state, run_at);
