-- What went wrong at the vendors: a row a kind of failure, counted. It holds no text of the vendor's.
CREATE TABLE diagnostics (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    vendor TEXT NOT NULL CHECK (vendor IN ('salesforce', 'marketo')),
    -- All zeros for attempts made before there was a connection: a key has no room for nothing.
    connection_id BLOB NOT NULL,
    code TEXT NOT NULL,
    category TEXT NOT NULL CHECK (category IN ('authentication', 'access_validation', 'intermittent', 'other')),
    occurrences INTEGER NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    -- The vendor's id of the last request or job that failed so.
    last_request_id TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
CREATE UNIQUE INDEX diagnostic_of_its_kind ON diagnostics (instance_id, vendor, connection_id, code);

-- The quotas of a Marketo subscription (by Munchkin id) or a Salesforce organization (by its id), shared by all processes. Global:
-- several instances can be connected to one organization. Whoever changes anything of an account writes its row first, which is
-- the lock.
CREATE TABLE quota_accounts (
    vendor TEXT NOT NULL CHECK (vendor IN ('salesforce', 'marketo')),
    account TEXT NOT NULL,
    -- What the vendor said last: calls used by everybody, calls allowed, when it said so.
    told_used INTEGER,
    told_allowed INTEGER,
    told_at TEXT,
    -- Until when the vendor refuses, and which quota it named.
    stopped_quota TEXT,
    stopped_until TEXT,
    exports_stopped_until TEXT,
    touched_at TEXT NOT NULL,
    PRIMARY KEY (vendor, account)
) STRICT;

-- Calls handed to one process for a moment.
CREATE TABLE quota_grants (
    vendor TEXT NOT NULL,
    account TEXT NOT NULL,
    id BLOB NOT NULL,
    calls INTEGER NOT NULL,
    granted_at TEXT NOT NULL,
    PRIMARY KEY (vendor, account, id)
) STRICT;

-- Calls handed out, and bytes of export files received, in the day (Marketo) or the hour (Salesforce) that ends then.
CREATE TABLE quota_periods (
    vendor TEXT NOT NULL,
    account TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    calls INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (vendor, account, ends_at)
) STRICT;

-- Places for calls under way at once, each leased by one process.
CREATE TABLE quota_places (
    vendor TEXT NOT NULL,
    account TEXT NOT NULL,
    place INTEGER NOT NULL,
    holder BLOB NOT NULL,
    leased_until TEXT NOT NULL,
    PRIMARY KEY (vendor, account, place)
) STRICT;

-- What an API client may call at the vendors through this service: "VENDOR METHOD PREFIX". Global, as the clients are.
CREATE TABLE client_call_rules (
    client_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (client_id, rule)
) STRICT;
