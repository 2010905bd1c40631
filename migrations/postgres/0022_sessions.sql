-- How and from where a session was begun, and a name for it that is no secret. Sessions of before have none and run out in hours.
ALTER TABLE sessions ADD COLUMN id uuid;
ALTER TABLE sessions ADD COLUMN method text;
ALTER TABLE sessions ADD COLUMN address text;
ALTER TABLE sessions ADD COLUMN user_agent text;

-- Links by which a forgotten password is replaced. Global: the link says nothing else.
CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY,
    instance_id uuid NOT NULL,
    member_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
);
CREATE INDEX password_resets_by_member ON password_resets (instance_id, member_id);
