-- What the token broker needs to know of a Salesforce token: when it ends, when a caller last reported it as refused, and the key
-- for assertions of the JWT bearer flow, which renews without a refresh token that could be lost.
ALTER TABLE salesforce_connections ADD COLUMN token_expires_at TEXT;
ALTER TABLE salesforce_connections ADD COLUMN token_reported_at TEXT;
-- While a process waits for the answer to a refresh it says so again and again; one that stops saying so has ended.
ALTER TABLE salesforce_connections ADD COLUMN refresh_seen_at TEXT;
ALTER TABLE salesforce_connections ADD COLUMN jwt_client_id TEXT;
ALTER TABLE salesforce_connections ADD COLUMN sealed_jwt_key BLOB;

-- The organization an instance belongs to. It outlives the connection: another one is taken only when confirmed.
CREATE TABLE salesforce_organizations (
    instance_id BLOB PRIMARY KEY REFERENCES instances (id),
    organization_id TEXT NOT NULL,
    confirmed_at TEXT NOT NULL
) STRICT;
INSERT INTO salesforce_organizations (instance_id, organization_id, confirmed_at)
    SELECT instance_id, organization_id, created_at FROM salesforce_connections WHERE member_id IS NULL;

-- The browser that began an authorization is the only one that may complete it.
ALTER TABLE oauth_states ADD COLUMN login_hint TEXT;
ALTER TABLE oauth_states ADD COLUMN browser_hash BLOB;

-- A hand-over needs a second connection beside the one in use, so the instance alone is no key any more.
CREATE TABLE marketo_connections_by_owner (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    -- Waits beside the one in use, and takes its place when that one is disconnected.
    is_successor INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'needs_attention')),
    base_url TEXT NOT NULL,
    client_id TEXT NOT NULL,
    provisioned INTEGER NOT NULL,
    sealed_client_secret BLOB NOT NULL,
    sealed_access_token BLOB,
    token_expires_at TEXT,
    token_reported_at TEXT,
    -- Set while a process asks for a token, so that the others wait for its answer.
    renewal_began_at TEXT,
    api_user TEXT,
    -- The owner.
    connected_by TEXT NOT NULL,
    last_tested_at TEXT,
    last_error_code TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id)
) STRICT;
INSERT INTO marketo_connections_by_owner (instance_id, id, is_successor, state, base_url, client_id, provisioned, sealed_client_secret,
    sealed_access_token, token_expires_at, api_user, connected_by, last_tested_at, last_error_code, last_error, created_at, updated_at)
    SELECT instance_id, id, 0, state, base_url, client_id, provisioned, sealed_client_secret, sealed_access_token,
        token_expires_at, api_user, connected_by, last_tested_at, last_error_code, last_error, created_at, updated_at
    FROM marketo_connections;
DROP TABLE marketo_connections;
ALTER TABLE marketo_connections_by_owner RENAME TO marketo_connections;
CREATE UNIQUE INDEX marketo_connection_in_use ON marketo_connections (instance_id) WHERE NOT is_successor;
CREATE UNIQUE INDEX marketo_connection_to_follow ON marketo_connections (instance_id) WHERE is_successor;

-- Admins who may use a Marketo connection that another one owns.
CREATE TABLE marketo_access (
    instance_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, member_id),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;
