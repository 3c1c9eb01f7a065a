-- The queries of the views and materialized views among $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each and on the relations that it reads, until the transaction
-- ends. Versions: 13 to 18.
SELECT /* pgadvise:view_definitions */
       c.oid AS relation, pg_get_viewdef(c.oid) AS definition
FROM pg_class AS c
WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('v', 'm')
