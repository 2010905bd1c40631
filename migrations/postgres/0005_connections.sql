-- An authorization under way: single use, ten minutes. Global, because the callback knows only the state.
CREATE TABLE oauth_states (
    state_hash bytea PRIMARY KEY,
    instance_id uuid NOT NULL,
    purpose jsonb NOT NULL,
    login_base text NOT NULL,
    sealed_verifier bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE salesforce_connections (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    -- The member whose own connection it is; none for the instance's.
    member_id uuid,
    state text NOT NULL CHECK (state IN ('active', 'needs_attention')),
    login_base text NOT NULL,
    instance_url text NOT NULL,
    identity_url text NOT NULL,
    organization_id text NOT NULL,
    user_id text NOT NULL,
    username text NOT NULL,
    email text NOT NULL,
    scopes text NOT NULL,
    sealed_access_token bytea NOT NULL,
    sealed_refresh_token bytea,
    token_issued_at timestamptz NOT NULL,
    -- Set before a refresh token is sent and cleared with the answer: a refresh whose answer was lost is never repeated.
    refresh_began_at timestamptz,
    last_tested_at timestamptz,
    last_error_code text,
    last_error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, id)
);
CREATE UNIQUE INDEX salesforce_connection_of_instance ON salesforce_connections (instance_id) WHERE member_id IS NULL;
CREATE UNIQUE INDEX salesforce_connection_of_member ON salesforce_connections (instance_id, member_id) WHERE member_id IS NOT NULL;

-- Credentials that the operator provisioned for the one-click connect.
CREATE TABLE marketo_credentials (
    instance_id uuid PRIMARY KEY REFERENCES instances (id),
    client_id text NOT NULL,
    sealed_client_secret bytea NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE marketo_connections (
    instance_id uuid PRIMARY KEY REFERENCES instances (id),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'needs_attention')),
    base_url text NOT NULL,
    client_id text NOT NULL,
    provisioned boolean NOT NULL,
    sealed_client_secret bytea NOT NULL,
    sealed_access_token bytea,
    token_expires_at timestamptz,
    api_user text,
    connected_by text NOT NULL,
    last_tested_at timestamptz,
    last_error_code text,
    last_error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
