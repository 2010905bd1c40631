-- How often a client's secret was replaced, beginning with 1, and when the last time: tokens end with the secret they were issued for.
ALTER TABLE api_clients ADD COLUMN secret_generation bigint NOT NULL DEFAULT 1;
ALTER TABLE api_clients ADD COLUMN secret_rotated_at timestamptz;
