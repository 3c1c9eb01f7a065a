-- The partition keys of the partitioned tables among $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each, for a moment. Versions: 13 to 18.
SELECT /* pgadvise:partition_keys */
       p.partrelid AS relation, pg_get_partkeydef(p.partrelid) AS definition
FROM pg_partitioned_table AS p
WHERE p.partrelid = ANY ($1::oid[])
