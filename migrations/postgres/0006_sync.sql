CREATE TABLE sync_runs (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'extracting', 'qualifying', 'loading', 'completed', 'failed')),
    -- What this run extracts, decided once: field mapping and the first and last instant.
    plan jsonb,
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    report jsonb,
    error_code text,
    error text,
    started_by text NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (instance_id, id)
);
-- One run at a time.
CREATE UNIQUE INDEX sync_run_under_way ON sync_runs (instance_id) WHERE state IN ('queued', 'extracting', 'qualifying', 'loading');

-- One Marketo export each: found again after a crash instead of created twice.
CREATE TABLE sync_extract_jobs (
    instance_id uuid NOT NULL,
    run_id uuid NOT NULL,
    position bigint NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'created', 'staged')),
    export_id text,
    records bigint,
    bytes bigint,
    PRIMARY KEY (instance_id, run_id, position),
    FOREIGN KEY (instance_id, run_id) REFERENCES sync_runs (instance_id, id) ON DELETE CASCADE
);

-- What a run has read and not yet merged.
CREATE TABLE sync_staged_people (
    instance_id uuid NOT NULL,
    run_id uuid NOT NULL,
    marketo_id bigint NOT NULL,
    first_name text,
    last_name text,
    email text,
    company text,
    title text,
    phone text,
    linkedin_url text,
    source text,
    salesforce_contact_id text,
    salesforce_lead_id text,
    salesforce_account_id text,
    salesforce_opportunity_id text,
    PRIMARY KEY (instance_id, run_id, marketo_id)
);

CREATE TABLE sync_staged_owners (
    instance_id uuid NOT NULL,
    run_id uuid NOT NULL,
    salesforce_id text NOT NULL,
    owner_id text NOT NULL,
    PRIMARY KEY (instance_id, run_id, salesforce_id)
);

CREATE TABLE people (
    instance_id uuid NOT NULL REFERENCES instances (id),
    marketo_id bigint NOT NULL,
    first_name text,
    last_name text,
    email text,
    company text,
    title text,
    phone text,
    linkedin_url text,
    source text,
    salesforce_contact_id text,
    salesforce_lead_id text,
    salesforce_account_id text,
    salesforce_opportunity_id text,
    owner_id text NOT NULL,
    run_id uuid NOT NULL,
    synced_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, marketo_id)
);
CREATE INDEX people_by_contact ON people (instance_id, salesforce_contact_id) WHERE salesforce_contact_id IS NOT NULL;
CREATE INDEX people_by_lead ON people (instance_id, salesforce_lead_id) WHERE salesforce_lead_id IS NOT NULL;
CREATE INDEX people_by_email ON people (instance_id, lower(email)) WHERE email IS NOT NULL;
