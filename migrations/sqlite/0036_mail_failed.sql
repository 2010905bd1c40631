-- A message whose job is a dead letter.
CREATE TABLE mail_messages_new (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    -- What it is about, such as an invitation.
    about BLOB NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    -- What it says. Kept until it has left, or never will.
    sealed_content BLOB,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'unconfirmed', 'refused', 'ran_out', 'cancelled', 'failed')),
    -- How often it was handed to the server.
    tries INTEGER NOT NULL,
    -- How often it is not known whether the server has taken it.
    doubts INTEGER NOT NULL,
    -- When it may be handed to the server, whose messages a minute are limited.
    slot_at TEXT,
    last_error TEXT,
    -- After this it is worth nothing.
    useful_until TEXT NOT NULL,
    created_at TEXT NOT NULL,
    next_try_at TEXT,
    finished_at TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
INSERT INTO mail_messages_new (instance_id, id, kind, about, recipient, language, sealed_content, status, tries, doubts, slot_at, last_error, useful_until,
    created_at, next_try_at, finished_at)
SELECT instance_id, id, kind, about, recipient, language, sealed_content, status, tries, doubts, slot_at, last_error, useful_until,
    created_at, next_try_at, finished_at
FROM mail_messages;
DROP TABLE mail_messages;
ALTER TABLE mail_messages_new RENAME TO mail_messages;
CREATE INDEX mail_messages_about ON mail_messages (instance_id, about);
CREATE UNIQUE INDEX mail_messages_newest ON mail_messages (id);
CREATE INDEX mail_messages_finished ON mail_messages (finished_at) WHERE finished_at IS NOT NULL;
