-- A member who is deactivated keeps the status of before, to come back to it.
ALTER TABLE members ADD COLUMN deactivated_at timestamptz;
-- Tokens issued to the member up to then are refused.
ALTER TABLE members ADD COLUMN signed_out_at timestamptz;
-- Names and address in lower case, for the search.
ALTER TABLE members ADD COLUMN search_key text NOT NULL DEFAULT '';
UPDATE members SET search_key = lower(COALESCE(first_name, '') || ' ' || COALESCE(last_name, '') || ' ' || email);
