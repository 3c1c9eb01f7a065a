-- drop index "User_phone_key" on public."User"
-- answers   invalid_index
-- size      0 bytes are freed
-- writes    no cost known for this workload, HOT updates unaffected
-- caution   it is invalid: no query uses it, if it is wanted, mend what made its build fail and rebuild it instead with REINDEX INDEX CONCURRENTLY "User_phone_key"
-- caution   0 scans of it were counted on this node
-- run       psql -X -f 0006_User_phone_key.sql   (as the owner of the relation, not with -1)
-- on error  run it again at once, an interrupted drop leaves the index invalid
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY public."User_phone_key";
