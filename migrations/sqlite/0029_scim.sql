-- Tokens of directories that provision an instance's members. Who calls is found before the instance is known.
CREATE TABLE scim_tokens (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id)
) STRICT;

-- What a directory says of a member that we have no use for, to give it back.
CREATE TABLE scim_users (
    instance_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    user_name TEXT NOT NULL,
    user_name_key TEXT NOT NULL,
    external_id TEXT,
    given TEXT NOT NULL,
    -- Made inactive before activation: no invitation holds.
    held INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, member_id),
    UNIQUE (instance_id, user_name_key),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE scim_groups (
    instance_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    external_id TEXT,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, team_id),
    FOREIGN KEY (instance_id, team_id) REFERENCES teams (instance_id, id) ON DELETE CASCADE
) STRICT;
