-- What a run cost at the vendors, added to while it is carried out, by whichever process: calls, and bytes received.
ALTER TABLE sync_runs ADD COLUMN marketo_calls bigint NOT NULL DEFAULT 0;
ALTER TABLE sync_runs ADD COLUMN marketo_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE sync_runs ADD COLUMN salesforce_calls bigint NOT NULL DEFAULT 0;
ALTER TABLE sync_runs ADD COLUMN salesforce_bytes bigint NOT NULL DEFAULT 0;
