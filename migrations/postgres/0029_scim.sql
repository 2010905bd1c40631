-- Tokens of directories that provision an instance's members. Who calls is found before the instance is known.
CREATE TABLE scim_tokens (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, id)
);

-- What a directory says of a member that we have no use for, to give it back.
CREATE TABLE scim_users (
    instance_id uuid NOT NULL,
    member_id uuid NOT NULL,
    user_name text NOT NULL,
    user_name_key text NOT NULL,
    external_id text,
    given jsonb NOT NULL,
    -- Made inactive before activation: no invitation holds.
    held boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, member_id),
    UNIQUE (instance_id, user_name_key),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
);

CREATE TABLE scim_groups (
    instance_id uuid NOT NULL,
    team_id uuid NOT NULL,
    external_id text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, team_id),
    FOREIGN KEY (instance_id, team_id) REFERENCES teams (instance_id, id) ON DELETE CASCADE
);
