-- Tenants. A Marketo subscription has one instance.
CREATE TABLE instances (
    id BLOB PRIMARY KEY,
    munchkin_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('production', 'sandbox')),
    login_management TEXT NOT NULL CHECK (login_management IN ('salesforce_only', 'all_login_methods')),
    language TEXT NOT NULL,
    msi_actions_enabled INTEGER NOT NULL,
    salesforce_sync_configured INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

-- The Integration Information card: made with the first invitation; the secret is kept, sealed, until it was shown once.
CREATE TABLE integration_clients (
    instance_id BLOB PRIMARY KEY REFERENCES instances (id),
    client_id TEXT NOT NULL,
    sealed_secret BLOB,
    created_at TEXT NOT NULL,
    shown_at TEXT
) STRICT;
