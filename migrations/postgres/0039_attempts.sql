-- Attempts that failed in a row, by what was tried, for whom and from where; under hashes, and whether or not there is such a person.
-- Global, since whose attempt it was is not known until it succeeds. An address hash of no bytes counts for all addresses together.
-- `client_lockouts` is not used any more; it stays for processes of the version before that run beside this one.
CREATE TABLE failed_attempts (
    kind text NOT NULL,
    subject_hash bytea NOT NULL,
    address_hash bytea NOT NULL,
    failures bigint NOT NULL,
    locked_until timestamptz,
    attempted_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject_hash, address_hash)
);
CREATE INDEX failed_attempts_by_time ON failed_attempts (attempted_at);

-- From where a person has logged in before.
CREATE TABLE known_addresses (
    subject_hash bytea NOT NULL,
    address_hash bytea NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (subject_hash, address_hash)
);
CREATE INDEX known_addresses_by_time ON known_addresses (known_at);
