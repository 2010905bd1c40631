-- What the readiness check writes, to find out whether the database can be written: one row, by all processes. Global.
CREATE TABLE write_probes (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    written_at TEXT NOT NULL
) STRICT;
