-- How and from where a session was begun, and a name for it that is no secret. Sessions of before have none and run out in hours.
ALTER TABLE sessions ADD COLUMN id BLOB;
ALTER TABLE sessions ADD COLUMN method TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN user_agent TEXT;

-- Links by which a forgotten password is replaced. Global: the link says nothing else.
CREATE TABLE password_resets (
    token_hash BLOB PRIMARY KEY,
    instance_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX password_resets_by_member ON password_resets (instance_id, member_id);
