-- Names that a new index cannot have, beside those of relations and indexes: sequences and composite types. One page
-- of $2 rows, by oid after $1.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:other_names */
       c.oid, n.nspname::text AS schema, c.relname::text AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid > $1::oid
  AND c.relkind IN ('S', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid
LIMIT $2::int8
