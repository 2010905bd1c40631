-- The order in which an instance's people changed, for readers that follow it. Each transaction that changes people takes the next
-- number and holds the row until it ends, so that numbers become visible in their order.
CREATE TABLE people_feeds (
    instance_id uuid PRIMARY KEY REFERENCES instances (id),
    last_change bigint NOT NULL
);

ALTER TABLE people ADD COLUMN change_number bigint NOT NULL DEFAULT 0;
CREATE INDEX people_by_change ON people (instance_id, change_number, marketo_id);

-- People who were here and are gone; a person who comes back leaves.
CREATE TABLE people_removed (
    instance_id uuid NOT NULL REFERENCES instances (id),
    marketo_id bigint NOT NULL,
    change_number bigint NOT NULL,
    removed_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, marketo_id)
);
CREATE INDEX people_removed_by_change ON people_removed (instance_id, change_number, marketo_id);
