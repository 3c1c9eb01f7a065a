-- The index called $1 (quoted and qualified) and its partitions: oids, names and sizes.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE for the moment. Versions: 13 to 18.
SELECT /* pgadvise:sandbox_index */
       c.oid AS indexrelid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       coalesce(pg_relation_size(c.oid), 0)::int8 AS bytes
FROM (SELECT to_regclass($1)::oid UNION SELECT t.relid::oid FROM pg_partition_tree(to_regclass($1)) AS t) AS wanted(oid)
JOIN pg_class AS c ON c.oid = wanted.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY c.oid
