-- create index "Order_storeId_status_createdAt_idx" on public."Order"
-- answers   fk_without_index, seq_scan_filter, sort_avoidable
-- serves    100 calls of query 7249135076724462444, each 5,593 -> 32.6
-- serves    40 calls of query -6992564195057254353, each 5,522 -> 186.47
-- planner   total cost x calls 780,213 -> 10,719 (shadow, PostgreSQL 15.18)
-- size      about 6184 kB
-- writes    cost 285.87 over the workload, +7.69 us and +103.7 B of WAL a written row, ends HOT updates of the relation
-- caution   breaks_hot: 72 updates (by the share that is HOT now) set status and can no longer be HOT, 100 % of the relation's, each then writes into every index, at about 1.5 times the CPU and twice the WAL
-- run       psql -X -f 0001_Order_storeId_status_createdAt_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."Order_storeId_status_createdAt_idx"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."Order_storeId_status_createdAt_idx"')
   AND i.indrelid = pg_catalog.to_regclass('public."Order"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE INDEX CONCURRENTLY "Order_storeId_status_createdAt_idx"
    ON public."Order" USING btree ("storeId", status, "createdAt");
