-- rollback of drop index "User_phone_key" on public."User"
-- effect    builds the index again as it was, about 0 bytes
-- run       psql -X -f rollback/0006_User_phone_key.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."User_phone_key"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."User_phone_key"')
   AND i.indrelid = pg_catalog.to_regclass('public."User"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE UNIQUE INDEX CONCURRENTLY "User_phone_key"
    ON public."User" USING btree (phone);
