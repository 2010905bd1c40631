-- Programs that call us. Global: the client id must be found before the instance is known.
CREATE TABLE api_clients (
    client_id TEXT PRIMARY KEY,
    instance_id BLOB,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at TEXT NOT NULL,
    last_used_at TEXT,
    revoked_at TEXT
) STRICT;
CREATE INDEX api_clients_by_instance ON api_clients (instance_id);

-- Keys that sign access tokens; the private half is sealed.
CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    generation INTEGER NOT NULL UNIQUE,
    sealed_private_key BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at TEXT NOT NULL,
    retired_at TEXT
) STRICT;

-- Sessions of people in the console. Global for the same reason as clients.
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,
    instance_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_member ON sessions (instance_id, member_id);
