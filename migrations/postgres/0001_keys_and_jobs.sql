-- Data keys, sealed by a master key; they seal everything confidential.
CREATE TABLE data_keys (
    id uuid PRIMARY KEY,
    -- Counts up; unique, so that two processes that start at once agree on one key.
    generation bigint NOT NULL UNIQUE,
    master_key_id text NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- Work to do outside a request. Queued in the transaction of the change that wants it.
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    instance_id uuid,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    run_at timestamptz NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    locked_by uuid,
    locked_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX jobs_due ON jobs (state, run_at);
