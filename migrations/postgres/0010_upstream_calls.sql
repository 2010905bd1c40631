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
