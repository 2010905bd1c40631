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
