-- create index "Order_userId_createdAt_idx" on public."Order"
-- answers   fk_without_index, seq_scan_filter
-- serves    80 calls of query 5895645502165504118, each 3,976 -> 39.84
-- planner   total cost x calls 318,111 -> 3,187 (shadow, PostgreSQL 15.18)
-- size      about 6184 kB
-- writes    cost 99.8 over the workload, +2.68 us and +38.5 B of WAL a written row, HOT updates unaffected
-- run       psql -X -f 0003_Order_userId_createdAt_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."Order_userId_createdAt_idx"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."Order_userId_createdAt_idx"')
   AND i.indrelid = pg_catalog.to_regclass('public."Order"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE INDEX CONCURRENTLY "Order_userId_createdAt_idx"
    ON public."Order" USING btree ("userId", "createdAt");
