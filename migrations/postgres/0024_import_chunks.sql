-- The rows of an import are kept in chunks, so that a file of any size is written and read in bounded memory, and every process
-- has it. A file sent to the version before is told to be sent again.
CREATE TABLE invite_imports_new (
    instance_id uuid NOT NULL REFERENCES instances (id),
    id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('analysed', 'confirmed', 'completed', 'failed')),
    -- As the sender called it.
    file_name text,
    analysis jsonb NOT NULL,
    -- What was confirmed: mapping, role, teams.
    confirmation jsonb,
    invited_by text NOT NULL,
    rows_done bigint NOT NULL,
    -- How many rows ended how.
    counts jsonb NOT NULL,
    error text,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (instance_id, id)
);
INSERT INTO invite_imports_new (instance_id, id, state, analysis, confirmation, invited_by, rows_done, counts, error, created_at, confirmed_at, completed_at)
SELECT instance_id, id, CASE state WHEN 'confirmed' THEN 'failed' ELSE state END, analysis, confirmation, invited_by, rows_done, counts,
    CASE state WHEN 'confirmed' THEN 'the service was updated meanwhile; send the file again: nobody is invited twice' ELSE error END,
    created_at, confirmed_at, completed_at
FROM invite_imports WHERE state <> 'analysed';
DROP TABLE invite_imports;
ALTER TABLE invite_imports_new RENAME TO invite_imports;

CREATE TABLE invite_import_chunks (
    instance_id uuid NOT NULL,
    import_id uuid NOT NULL,
    -- Place of its first row among the rows of the file, from 0; headers and empty lines have none.
    first_row bigint NOT NULL,
    row_count bigint NOT NULL,
    -- The rows as CSV in UTF-8, each led by its number in the file.
    body bytea NOT NULL,
    -- How many faults its rows have under the mapping, and which rows repeat an address of an earlier one.
    faults bigint NOT NULL,
    repeats jsonb NOT NULL,
    -- What became of its rows; none before they were worked off.
    results jsonb,
    PRIMARY KEY (instance_id, import_id, first_row),
    FOREIGN KEY (instance_id, import_id) REFERENCES invite_imports (instance_id, id) ON DELETE CASCADE
);
