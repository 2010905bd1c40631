-- A client's secret of before works beside the new one until then.
ALTER TABLE api_clients ADD COLUMN old_secret_hash bytea;
ALTER TABLE api_clients ADD COLUMN old_secret_until timestamptz;

-- From when a key is used for new tokens and new values; none: from the start. Every process has read it by then.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;
ALTER TABLE data_keys ADD COLUMN seals_from timestamptz;

-- Access tokens that were revoked before they ran out. Global, like the clients.
CREATE TABLE revoked_tokens (
    jti uuid PRIMARY KEY,
    client_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_by_client ON revoked_tokens (client_id, expires_at);
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

-- Failed authentications in a row, under the hash of the client id that was given, whether there is such a client or not.
CREATE TABLE client_lockouts (
    client_hash bytea PRIMARY KEY,
    failures bigint NOT NULL,
    locked_until timestamptz,
    failed_at timestamptz NOT NULL
);
CREATE INDEX client_lockouts_by_time ON client_lockouts (failed_at);

-- Assertions that were used; each is good for one token.
CREATE TABLE used_assertions (
    assertion_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_assertions_by_end ON used_assertions (expires_at);
