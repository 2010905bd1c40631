-- Messages to people, and what became of them.
CREATE TABLE mail_messages (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    -- What it is about, such as an invitation.
    about BLOB NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    -- What it says. Kept until it has left, or never will.
    sealed_content BLOB,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'unconfirmed', 'refused', 'ran_out', 'cancelled')),
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
CREATE INDEX mail_messages_about ON mail_messages (instance_id, about);
-- For operators, who see all instances.
CREATE UNIQUE INDEX mail_messages_newest ON mail_messages (id);

-- When a mail server may be handed the next message, by all processes together.
CREATE TABLE mail_pace (
    server TEXT PRIMARY KEY,
    next_at TEXT NOT NULL
) STRICT;
