-- Messages of invitations by address, for the limit of what one person is sent. They outlive the invitation, which somebody may revoke,
-- and are deleted a day later.
CREATE TABLE invite_messages (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    id BLOB NOT NULL,
    email_key TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, id)
) STRICT;
CREATE INDEX invite_messages_by_address ON invite_messages (instance_id, email_key, queued_at);
CREATE INDEX invite_messages_by_time ON invite_messages (instance_id, queued_at);

-- A person may be invited by several instances, none of which learns of the others; the address logs in to the one where the person
-- activated. So an address is unique in its instance, and across all instances among those that log in.
CREATE TABLE member_emails_by_instance (
    instance_id BLOB NOT NULL,
    email_key TEXT NOT NULL,
    member_id BLOB NOT NULL,
    logs_in INTEGER NOT NULL,
    PRIMARY KEY (instance_id, email_key),
    FOREIGN KEY (instance_id, member_id) REFERENCES members (instance_id, id) ON DELETE CASCADE
) STRICT;
INSERT INTO member_emails_by_instance (instance_id, email_key, member_id, logs_in)
    SELECT e.instance_id, e.email_key, e.member_id, m.status = 'active'
    FROM member_emails e JOIN members m ON m.instance_id = e.instance_id AND m.id = e.member_id;
DROP TABLE member_emails;
ALTER TABLE member_emails_by_instance RENAME TO member_emails;
CREATE UNIQUE INDEX member_emails_logging_in ON member_emails (email_key) WHERE logs_in;
CREATE INDEX member_emails_by_member ON member_emails (instance_id, member_id);
