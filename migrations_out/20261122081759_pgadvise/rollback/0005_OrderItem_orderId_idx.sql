-- rollback of drop index "OrderItem_orderId_idx" on public."OrderItem"
-- effect    builds the index again as it was, about 7936 kB
-- run       psql -X -f rollback/0005_OrderItem_orderId_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again, it drops the invalid leftover of a failed build first
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
SELECT 'DROP INDEX CONCURRENTLY public."OrderItem_orderId_idx"'
  FROM pg_catalog.pg_index AS i
 WHERE i.indexrelid = pg_catalog.to_regclass('public."OrderItem_orderId_idx"')
   AND i.indrelid = pg_catalog.to_regclass('public."OrderItem"')
   AND NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \gexec
CREATE INDEX CONCURRENTLY "OrderItem_orderId_idx"
    ON public."OrderItem" USING btree ("orderId");
