-- The last report of the managed package.
CREATE TABLE package_reports (
    instance_id BLOB PRIMARY KEY REFERENCES instances (id),
    organization_id TEXT NOT NULL,
    edition TEXT NOT NULL,
    package_version TEXT NOT NULL,
    identity_remote_site INTEGER NOT NULL,
    api_remote_site INTEGER NOT NULL,
    api_secret_key_accepted INTEGER NOT NULL,
    msi_actions_enabled INTEGER NOT NULL,
    reported_at TEXT NOT NULL
) STRICT;
