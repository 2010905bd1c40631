-- What went wrong at the vendors: a row a kind of failure, counted. It holds no text of the vendor's.
CREATE TABLE diagnostics (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    vendor text NOT NULL CHECK (vendor IN ('salesforce', 'marketo')),
    -- All zeros for attempts made before there was a connection: a key has no room for nothing.
    connection_id uuid NOT NULL,
    code text NOT NULL,
    category text NOT NULL CHECK (category IN ('authentication', 'access_validation', 'intermittent', 'other')),
    occurrences bigint NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    -- The vendor's id of the last request or job that failed so.
    last_request_id text,
    PRIMARY KEY (instance_id, id)
);
CREATE UNIQUE INDEX diagnostic_of_its_kind ON diagnostics (instance_id, vendor, connection_id, code);

-- The quotas of a Marketo subscription (by Munchkin id) or a Salesforce organization (by its id), shared by all processes. Global:
-- several instances can be connected to one organization. Whoever changes anything of an account writes its row first, which is
-- the lock.
CREATE TABLE quota_accounts (
    vendor text NOT NULL CHECK (vendor IN ('salesforce', 'marketo')),
    account text NOT NULL,
    -- What the vendor said last: calls used by everybody, calls allowed, when it said so.
    told_used bigint,
    told_allowed bigint,
    told_at timestamptz,
    -- Until when the vendor refuses, and which quota it named.
    stopped_quota text,
    stopped_until timestamptz,
    exports_stopped_until timestamptz,
    touched_at timestamptz NOT NULL,
    PRIMARY KEY (vendor, account)
);

-- Calls handed to one process for a moment.
CREATE TABLE quota_grants (
    vendor text NOT NULL,
    account text NOT NULL,
    id uuid NOT NULL,
    calls bigint NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (vendor, account, id)
);

-- Calls handed out, and bytes of export files received, in the day (Marketo) or the hour (Salesforce) that ends then.
CREATE TABLE quota_periods (
    vendor text NOT NULL,
    account text NOT NULL,
    ends_at timestamptz NOT NULL,
    calls bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (vendor, account, ends_at)
);

-- Places for calls under way at once, each leased by one process.
CREATE TABLE quota_places (
    vendor text NOT NULL,
    account text NOT NULL,
    place bigint NOT NULL,
    holder uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    PRIMARY KEY (vendor, account, place)
);

-- What an API client may call at the vendors through this service: "VENDOR METHOD PREFIX". Global, as the clients are.
CREATE TABLE client_call_rules (
    client_id text NOT NULL,
    rule text NOT NULL,
    PRIMARY KEY (client_id, rule)
);
