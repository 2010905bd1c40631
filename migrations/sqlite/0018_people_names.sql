-- People are found by the begin of a name in the order of these keys, so that a page costs as much as its rows, however many begin
-- so. A key is the name's first 80 characters in small letters, in byte order: long enough to tell names apart, short enough that no
-- name, however long, is too large for an index.
CREATE INDEX people_by_full_name ON people
    (instance_id, substr(lower(COALESCE(first_name || ' ', '') || COALESCE(last_name, '')), 1, 80), marketo_id);
CREATE INDEX people_by_last_name ON people
    (instance_id, substr(lower(COALESCE(last_name, '')), 1, 80), marketo_id);
