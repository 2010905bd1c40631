-- Requests that came with an Idempotency-Key, and what was answered. The instance of callers that have none is the zero id.
CREATE TABLE idempotency_keys (
    instance_id BLOB NOT NULL,
    id BLOB NOT NULL,
    -- Who called; each caller's keys are its own.
    caller TEXT NOT NULL,
    -- SHA-256 of the key, and of the request.
    key_hash BLOB NOT NULL,
    request_hash BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('begun', 'answered', 'lost')),
    -- Status, headers and body. An answer may hold a secret.
    sealed_answer BLOB,
    begun_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id),
    UNIQUE (instance_id, caller, key_hash)
) STRICT;
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
