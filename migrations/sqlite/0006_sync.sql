CREATE TABLE sync_runs (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'extracting', 'qualifying', 'loading', 'completed', 'failed')),
    -- What this run extracts, decided once: field mapping and the first and last instant.
    plan TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER,
    report TEXT,
    error_code TEXT,
    error TEXT,
    started_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    updated_at TEXT NOT NULL,
    finished_at TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
-- One run at a time.
CREATE UNIQUE INDEX sync_run_under_way ON sync_runs (instance_id) WHERE state IN ('queued', 'extracting', 'qualifying', 'loading');

-- One Marketo export each: found again after a crash instead of created twice.
CREATE TABLE sync_extract_jobs (
    instance_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    window_start TEXT NOT NULL,
    window_end TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'created', 'staged')),
    export_id TEXT,
    records INTEGER,
    bytes INTEGER,
    PRIMARY KEY (instance_id, run_id, position),
    FOREIGN KEY (instance_id, run_id) REFERENCES sync_runs (instance_id, id) ON DELETE CASCADE
) STRICT;

-- What a run has read and not yet merged.
CREATE TABLE sync_staged_people (
    instance_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    marketo_id INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    company TEXT,
    title TEXT,
    phone TEXT,
    linkedin_url TEXT,
    source TEXT,
    salesforce_contact_id TEXT,
    salesforce_lead_id TEXT,
    salesforce_account_id TEXT,
    salesforce_opportunity_id TEXT,
    PRIMARY KEY (instance_id, run_id, marketo_id)
) STRICT;

CREATE TABLE sync_staged_owners (
    instance_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    salesforce_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    PRIMARY KEY (instance_id, run_id, salesforce_id)
) STRICT;

CREATE TABLE people (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    marketo_id INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    company TEXT,
    title TEXT,
    phone TEXT,
    linkedin_url TEXT,
    source TEXT,
    salesforce_contact_id TEXT,
    salesforce_lead_id TEXT,
    salesforce_account_id TEXT,
    salesforce_opportunity_id TEXT,
    owner_id TEXT NOT NULL,
    run_id BLOB NOT NULL,
    synced_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, marketo_id)
) STRICT;
CREATE INDEX people_by_contact ON people (instance_id, salesforce_contact_id) WHERE salesforce_contact_id IS NOT NULL;
CREATE INDEX people_by_lead ON people (instance_id, salesforce_lead_id) WHERE salesforce_lead_id IS NOT NULL;
CREATE INDEX people_by_email ON people (instance_id, lower(email)) WHERE email IS NOT NULL;
