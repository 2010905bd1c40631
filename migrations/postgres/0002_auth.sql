-- Programs that call us. Global: the client id must be found before the instance is known.
CREATE TABLE api_clients (
    client_id text PRIMARY KEY,
    instance_id uuid,
    name text NOT NULL,
    scopes text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_clients_by_instance ON api_clients (instance_id);

-- Keys that sign access tokens; the private half is sealed.
CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    generation bigint NOT NULL UNIQUE,
    sealed_private_key bytea NOT NULL,
    public_jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);

-- Sessions of people in the console. Global for the same reason as clients.
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    instance_id uuid NOT NULL,
    member_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_member ON sessions (instance_id, member_id);
