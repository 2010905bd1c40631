-- What a run has read lies in tables of its own, made when it begins and dropped when it ends. A run that is under way begins afresh.
DELETE FROM sync_extract_jobs WHERE (instance_id, run_id) IN (
    SELECT instance_id, id FROM sync_runs WHERE state IN ('queued', 'extracting', 'qualifying', 'loading'));
UPDATE sync_runs SET state = 'queued', plan = NULL, report = NULL, done = 0, total = NULL
    WHERE state IN ('extracting', 'qualifying', 'loading');
DROP TABLE sync_staged_people;
DROP TABLE sync_staged_owners;

-- A run that reads only who changed since then; absent for one that reads everybody.
ALTER TABLE sync_runs ADD COLUMN changed_since timestamptz;

-- One partition an instance, made by its first full run: loaded first and indexed after. Ids compare as bytes. There is no reference
-- to instances, which would be locked and looked up for each of a million rows; a partition is only made for an instance.
ALTER TABLE people RENAME TO people_before;
ALTER INDEX people_pkey RENAME TO people_before_pkey;
DROP INDEX people_by_contact;
DROP INDEX people_by_lead;
DROP INDEX people_by_email;
DROP INDEX people_by_change;
CREATE TABLE people (
    instance_id uuid NOT NULL,
    marketo_id bigint NOT NULL,
    first_name text,
    last_name text,
    email text,
    company text,
    title text,
    phone text,
    linkedin_url text,
    source text,
    salesforce_contact_id text COLLATE "C",
    salesforce_lead_id text COLLATE "C",
    salesforce_account_id text COLLATE "C",
    salesforce_opportunity_id text COLLATE "C",
    owner_id text COLLATE "C" NOT NULL,
    run_id uuid NOT NULL,
    synced_at timestamptz NOT NULL,
    change_number bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (instance_id, marketo_id)
) PARTITION BY LIST (instance_id);
CREATE INDEX people_by_contact ON people (instance_id, salesforce_contact_id) WHERE salesforce_contact_id IS NOT NULL;
CREATE INDEX people_by_lead ON people (instance_id, salesforce_lead_id) WHERE salesforce_lead_id IS NOT NULL;
CREATE INDEX people_by_email ON people (instance_id, lower(email)) WHERE email IS NOT NULL;
CREATE INDEX people_by_change ON people (instance_id, change_number, marketo_id);
DO $$
DECLARE
    known uuid;
BEGIN
    FOR known IN SELECT DISTINCT instance_id FROM people_before LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF people FOR VALUES IN (%L)', 'people_' || replace(known::text, '-', ''), known);
    END LOOP;
END $$;
INSERT INTO people SELECT * FROM people_before;
DROP TABLE people_before;
