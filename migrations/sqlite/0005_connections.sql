-- An authorization under way: single use, ten minutes. Global, because the callback knows only the state.
CREATE TABLE oauth_states (
    state_hash BLOB PRIMARY KEY,
    instance_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    login_base TEXT NOT NULL,
    sealed_verifier BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE salesforce_connections (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    -- The member whose own connection it is; none for the instance's.
    member_id BLOB,
    state TEXT NOT NULL CHECK (state IN ('active', 'needs_attention')),
    login_base TEXT NOT NULL,
    instance_url TEXT NOT NULL,
    identity_url TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    scopes TEXT NOT NULL,
    sealed_access_token BLOB NOT NULL,
    sealed_refresh_token BLOB,
    token_issued_at TEXT NOT NULL,
    -- Set before a refresh token is sent and cleared with the answer: a refresh whose answer was lost is never repeated.
    refresh_began_at TEXT,
    last_tested_at TEXT,
    last_error_code TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id)
) STRICT;
CREATE UNIQUE INDEX salesforce_connection_of_instance ON salesforce_connections (instance_id) WHERE member_id IS NULL;
CREATE UNIQUE INDEX salesforce_connection_of_member ON salesforce_connections (instance_id, member_id) WHERE member_id IS NOT NULL;

-- Credentials that the operator provisioned for the one-click connect.
CREATE TABLE marketo_credentials (
    instance_id BLOB PRIMARY KEY REFERENCES instances (id),
    client_id TEXT NOT NULL,
    sealed_client_secret BLOB NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE marketo_connections (
    instance_id BLOB PRIMARY KEY REFERENCES instances (id),
    id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'needs_attention')),
    base_url TEXT NOT NULL,
    client_id TEXT NOT NULL,
    provisioned INTEGER NOT NULL,
    sealed_client_secret BLOB NOT NULL,
    sealed_access_token BLOB,
    token_expires_at TEXT,
    api_user TEXT,
    connected_by TEXT NOT NULL,
    last_tested_at TEXT,
    last_error_code TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
