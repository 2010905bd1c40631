-- Unused since 0039, which counts attempts in their own table.
DROP TABLE client_lockouts;
