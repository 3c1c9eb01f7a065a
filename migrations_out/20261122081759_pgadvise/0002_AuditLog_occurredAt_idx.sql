-- create index "AuditLog_occurredAt_idx" on public."AuditLog"
-- answers   sort_avoidable
-- serves    20 calls of query 762066203127474762, each 16,002 -> 2.23
-- planner   total cost x calls 320,044 -> 44.6 (shadow, PostgreSQL 15.18)
-- size      about 6600 kB
-- writes    cost 26.04 over the workload, +1.4 us and +66 B of WAL a written row, HOT updates unaffected
-- run       psql -X -f 0002_AuditLog_occurredAt_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."AuditLog_occurredAt_idx"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."AuditLog_occurredAt_idx"')
   AND i.indrelid = pg_catalog.to_regclass('public."AuditLog"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE INDEX CONCURRENTLY "AuditLog_occurredAt_idx"
    ON public."AuditLog" USING btree ("occurredAt");
