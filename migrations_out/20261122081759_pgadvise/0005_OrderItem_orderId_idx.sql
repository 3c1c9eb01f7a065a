-- drop index "OrderItem_orderId_idx" on public."OrderItem"
-- answers   redundant_index
-- size      7936 kB are freed
-- writes    no cost known for this workload, HOT updates unaffected
-- caution   index OrderItem_orderId_productId_key serves all that it does (8792 kB against 7936 kB): USING btree ("orderId", "productId")
-- caution   the one statement that uses it costs at most 20.69 % more without it (8.46 -> 10.21), by the planner, for a wider or deeper index is read instead
-- caution   1000 scans of it were counted on this node
-- run       psql -X -f 0005_OrderItem_orderId_idx.sql   (as the owner of the relation, not with -1)
-- on error  run it again at once, an interrupted drop leaves the index invalid
\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = 0;
DO $pgadvise$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                    WHERE i.indexrelid = pg_catalog.to_regclass('public."OrderItem_orderId_productId_key"')
                      AND i.indrelid = pg_catalog.to_regclass('public."OrderItem"')
                      AND i.indisvalid) THEN
        RAISE EXCEPTION USING MESSAGE = 'index public."OrderItem_orderId_productId_key" is missing or not valid, which does what "OrderItem_orderId_idx" does now', HINT = 'Create it first, then run this file again.';
    END IF;
END
$pgadvise$;
DROP INDEX CONCURRENTLY public."OrderItem_orderId_idx";
