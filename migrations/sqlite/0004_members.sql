CREATE TABLE members (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    email TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    status TEXT NOT NULL CHECK (status IN ('invited', 'active')),
    is_original INTEGER NOT NULL,
    password_hash TEXT,
    salesforce_username TEXT,
    created_at TEXT NOT NULL,
    activated_at TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
-- The first person invited: one an instance.
CREATE UNIQUE INDEX members_original ON members (instance_id) WHERE is_original;

-- An address belongs to one instance only, across all of them; so this table is global. The key is in lower case.
CREATE TABLE member_emails (
    email_key TEXT PRIMARY KEY,
    instance_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE teams (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    is_everyone INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id),
    UNIQUE (instance_id, name_key)
) STRICT;

CREATE TABLE team_members (
    instance_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    PRIMARY KEY (instance_id, team_id, member_id),
    FOREIGN KEY (instance_id, team_id) REFERENCES teams (instance_id, id) ON DELETE CASCADE,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE invites (
    instance_id BLOB NOT NULL,
    id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    email TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'accepted')),
    is_first INTEGER NOT NULL,
    import_id BLOB,
    token_hash BLOB NOT NULL UNIQUE,
    -- Kept until the message has gone, so that a second try sends the same link.
    sealed_token BLOB,
    send_error TEXT,
    invited_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    expires_at TEXT NOT NULL,
    accepted_at TEXT,
    PRIMARY KEY (instance_id, id),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX invites_by_member ON invites (instance_id, member_id);

CREATE TABLE invite_imports (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('analysed', 'confirmed', 'completed', 'failed')),
    file BLOB NOT NULL,
    analysis TEXT NOT NULL,
    -- What was confirmed: mapping, role, teams.
    confirmation TEXT,
    invited_by TEXT NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    -- How many rows ended how, and the first of them one by one.
    counts TEXT NOT NULL,
    results TEXT NOT NULL,
    error TEXT,
    created_at TEXT NOT NULL,
    confirmed_at TEXT,
    completed_at TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
