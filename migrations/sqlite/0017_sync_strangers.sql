-- Salesforce records that a user owns and of whom Marketo knew nobody: each change of one is asked about again after a while, since
-- Marketo hears of Salesforce's changes later than we do.
CREATE TABLE sync_strangers (
    instance_id BLOB NOT NULL REFERENCES instances (id),
    salesforce_id TEXT NOT NULL,
    modified_at TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    PRIMARY KEY (instance_id, salesforce_id)
) STRICT;
