CREATE TABLE members (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    email text NOT NULL,
    first_name text,
    last_name text,
    role text NOT NULL CHECK (role IN ('admin', 'user')),
    status text NOT NULL CHECK (status IN ('invited', 'active')),
    is_original boolean NOT NULL,
    password_hash text,
    salesforce_username text,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    PRIMARY KEY (instance_id, id)
);
-- The first person invited: one an instance.
CREATE UNIQUE INDEX members_original ON members (instance_id) WHERE is_original;

-- An address belongs to one instance only, across all of them; so this table is global. The key is in lower case.
CREATE TABLE member_emails (
    email_key text PRIMARY KEY,
    instance_id uuid NOT NULL,
    member_id uuid NOT NULL,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
);

CREATE TABLE teams (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    is_everyone boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, id),
    UNIQUE (instance_id, name_key)
);

CREATE TABLE team_members (
    instance_id uuid NOT NULL,
    team_id uuid NOT NULL,
    member_id uuid NOT NULL,
    PRIMARY KEY (instance_id, team_id, member_id),
    FOREIGN KEY (instance_id, team_id) REFERENCES teams (instance_id, id) ON DELETE CASCADE,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
);

CREATE TABLE invites (
    instance_id uuid NOT NULL,
    id uuid NOT NULL,
    member_id uuid NOT NULL,
    email text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'accepted')),
    is_first boolean NOT NULL,
    import_id uuid,
    token_hash bytea NOT NULL UNIQUE,
    -- Kept until the message has gone, so that a second try sends the same link.
    sealed_token bytea,
    send_error text,
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    PRIMARY KEY (instance_id, id),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
);
CREATE INDEX invites_by_member ON invites (instance_id, member_id);

CREATE TABLE invite_imports (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('analysed', 'confirmed', 'completed', 'failed')),
    file bytea NOT NULL,
    analysis jsonb NOT NULL,
    -- What was confirmed: mapping, role, teams.
    confirmation jsonb,
    invited_by text NOT NULL,
    rows_total bigint NOT NULL,
    rows_done bigint NOT NULL,
    -- How many rows ended how, and the first of them one by one.
    counts jsonb NOT NULL,
    results jsonb NOT NULL,
    error text,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (instance_id, id)
);
