-- What a run has read lies in tables of its own, made when it begins and dropped when it ends. A run that is under way begins afresh.
DELETE FROM sync_extract_jobs WHERE (instance_id, run_id) IN (
    SELECT instance_id, id FROM sync_runs WHERE state IN ('queued', 'extracting', 'qualifying', 'loading'));
UPDATE sync_runs SET state = 'queued', plan = NULL, report = NULL, done = 0, total = NULL
    WHERE state IN ('extracting', 'qualifying', 'loading');
DROP TABLE sync_staged_people;
DROP TABLE sync_staged_owners;

-- A run that reads only who changed since then; absent for one that reads everybody.
ALTER TABLE sync_runs ADD COLUMN changed_since TEXT;
