-- The last report of the managed package.
CREATE TABLE package_reports (
    instance_id uuid PRIMARY KEY REFERENCES instances (id),
    organization_id text NOT NULL,
    edition text NOT NULL,
    package_version text NOT NULL,
    identity_remote_site boolean NOT NULL,
    api_remote_site boolean NOT NULL,
    api_secret_key_accepted boolean NOT NULL,
    msi_actions_enabled boolean NOT NULL,
    reported_at timestamptz NOT NULL
);
