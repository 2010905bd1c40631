-- Invitations are resent, extended and revoked: a link of its own for each message, and statuses for what may happen. An invitation
-- outlives the member whom a revocation removes.
CREATE TABLE invites_with_links (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    email TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'bounced', 'accepted', 'revoked')),
    is_first INTEGER NOT NULL,
    import_id BLOB,
    -- The newest message.
    message_id BLOB,
    language TEXT NOT NULL,
    send_error TEXT,
    invited_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    expires_at TEXT NOT NULL,
    accepted_at TEXT,
    revoked_at TEXT,
    revoked_by TEXT,
    PRIMARY KEY (instance_id, id)
) STRICT;
-- The link of a message that had not left can't be taken over; whoever was to get it is sent another by resending.
INSERT INTO invites_with_links (instance_id, id, member_id, email, status, is_first, import_id, language, send_error, invited_by, created_at,
    sent_at, expires_at, accepted_at)
    SELECT i.instance_id, i.id, i.member_id, i.email,
        CASE i.status WHEN 'failed' THEN 'bounced' WHEN 'pending' THEN 'bounced' ELSE i.status END,
        i.is_first, i.import_id, n.language,
        CASE i.status WHEN 'pending' THEN 'the message had not left when the service was upgraded; resend the invitation' ELSE i.send_error END,
        i.invited_by, i.created_at, i.sent_at, i.expires_at, i.accepted_at
    FROM invites i JOIN instances n ON n.id = i.instance_id;
DELETE FROM jobs WHERE kind = 'send_invitation';

-- The links of invitations: of several, the newest works.
CREATE TABLE invite_links (
    instance_id BLOB NOT NULL,
    invite_id BLOB NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    -- When a newer one took its place.
    replaced_at TEXT,
    PRIMARY KEY (instance_id, invite_id, token_hash)
) STRICT;
INSERT INTO invite_links (instance_id, invite_id, token_hash, created_at)
    SELECT instance_id, id, token_hash, created_at FROM invites;

DROP TABLE invites;
ALTER TABLE invites_with_links RENAME TO invites;
CREATE INDEX invites_by_member ON invites (instance_id, member_id);
