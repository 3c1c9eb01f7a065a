-- create index "Review_productId_idx" on public."Review"
-- answers   fk_without_index
-- serves    60 calls of query -2761696761785034111, each 3,804 -> 43.23
-- planner   total cost x calls 228,265 -> 2,594 (shadow, PostgreSQL 15.18)
-- size      about 1504 kB
-- writes    no cost known for this workload, HOT updates unaffected
-- run       psql -X -f 0004_Review_productId_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."Review_productId_idx"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."Review_productId_idx"')
   AND i.indrelid = pg_catalog.to_regclass('public."Review"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE INDEX CONCURRENTLY "Review_productId_idx"
    ON public."Review" USING btree ("productId");
