-- Tenants. A Marketo subscription has one instance.
CREATE TABLE instances (
    id uuid PRIMARY KEY,
    munchkin_id text NOT NULL UNIQUE,
    name text NOT NULL,
    environment text NOT NULL CHECK (environment IN ('production', 'sandbox')),
    login_management text NOT NULL CHECK (login_management IN ('salesforce_only', 'all_login_methods')),
    language text NOT NULL,
    msi_actions_enabled boolean NOT NULL,
    salesforce_sync_configured boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- The Integration Information card: made with the first invitation; the secret is kept, sealed, until it was shown once.
CREATE TABLE integration_clients (
    instance_id uuid PRIMARY KEY REFERENCES instances (id),
    client_id text NOT NULL,
    sealed_secret bytea,
    created_at timestamptz NOT NULL,
    shown_at timestamptz
);
