-- The newest event of each chain. Each transaction that records an event holds its chain's row until it ends, so that events of a
-- chain are recorded one after another. The chain of what belongs to no instance has the nil id.
CREATE TABLE audit_heads (
    instance_id BLOB PRIMARY KEY,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Who did what. Rows are never changed or removed; each holds the SHA-256 of the hash before it and its own content.
CREATE TABLE audit_events (
    instance_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    -- JSON, as it was hashed.
    old_value TEXT,
    new_value TEXT,
    address TEXT,
    user_agent TEXT,
    request_id TEXT,
    hash BLOB NOT NULL,
    PRIMARY KEY (instance_id, number)
) STRICT;
CREATE INDEX audit_events_by_subject ON audit_events (instance_id, subject_kind, subject_id, number);
CREATE INDEX audit_events_by_actor ON audit_events (instance_id, actor, number);

CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;
CREATE TRIGGER audit_events_remain BEFORE DELETE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit events are never removed'); END;
