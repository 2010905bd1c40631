-- Requests that came with an Idempotency-Key, and what was answered. The instance of callers that have none is the zero id.
CREATE TABLE idempotency_keys (
    instance_id uuid NOT NULL,
    id uuid NOT NULL,
    -- Who called; each caller's keys are its own.
    caller text NOT NULL,
    -- SHA-256 of the key, and of the request.
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('begun', 'answered', 'lost')),
    -- Status, headers and body. An answer may hold a secret.
    sealed_answer bytea,
    begun_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, id),
    UNIQUE (instance_id, caller, key_hash)
);
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
