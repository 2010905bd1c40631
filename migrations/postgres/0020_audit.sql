-- The newest event of each chain. Each transaction that records an event holds its chain's row until it ends, so that events of a
-- chain are recorded one after another. The chain of what belongs to no instance has the nil id.
CREATE TABLE audit_heads (
    instance_id uuid PRIMARY KEY,
    number bigint NOT NULL,
    hash bytea NOT NULL
);

-- Who did what. Rows are never changed or removed; each holds the SHA-256 of the hash before it and its own content.
CREATE TABLE audit_events (
    instance_id uuid NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    -- JSON, as it was hashed: text, because jsonb would write it another way.
    old_value text,
    new_value text,
    address text,
    user_agent text,
    request_id text,
    hash bytea NOT NULL,
    PRIMARY KEY (instance_id, number)
);
CREATE INDEX audit_events_by_subject ON audit_events (instance_id, subject_kind, subject_id, number);
CREATE INDEX audit_events_by_actor ON audit_events (instance_id, actor, number);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are never changed or removed';
END;
$$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_events_remain BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
