-- Names that a new index cannot have, beside those of relations and indexes: sequences and composite types. The
-- sequences of identity columns come with those. One page
-- of $2 rows, by oid after $1.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:other_names */
       c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend AS d
                                       WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i'))
           AS is_own_sequence
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid > $1::oid
  AND c.relkind IN ('S', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid
LIMIT $2::int8
