-- Messages to people, and what became of them.
CREATE TABLE mail_messages (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    -- What it is about, such as an invitation.
    about uuid NOT NULL,
    recipient text NOT NULL,
    language text NOT NULL,
    -- What it says. Kept until it has left, or never will.
    sealed_content bytea,
    status text NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'unconfirmed', 'refused', 'ran_out', 'cancelled')),
    -- How often it was handed to the server.
    tries bigint NOT NULL,
    -- How often it is not known whether the server has taken it.
    doubts bigint NOT NULL,
    -- When it may be handed to the server, whose messages a minute are limited.
    slot_at timestamptz,
    last_error text,
    -- After this it is worth nothing.
    useful_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    next_try_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (instance_id, id)
);
CREATE INDEX mail_messages_about ON mail_messages (instance_id, about);
-- For operators, who see all instances.
CREATE UNIQUE INDEX mail_messages_newest ON mail_messages (id);

-- When a mail server may be handed the next message, by all processes together.
CREATE TABLE mail_pace (
    server text PRIMARY KEY,
    next_at timestamptz NOT NULL
);
