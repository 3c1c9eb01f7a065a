-- The constraints of the relations $1. Those of check and exclusion constraints are turned into SQL apart, because that
-- opens the relation, as it does not for keys.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18 (NOT NULL constraints, from 18 on, are left out: the
-- columns say it).
SELECT /* pgadvise:constraints */
       k.oid,
       k.conrelid AS relation,
       k.conname::text AS name,
       k.contype::text AS kind,
       (SELECT coalesce(array_agg(a.attname::text ORDER BY c.position), '{}')
        FROM unnest(k.conkey) WITH ORDINALITY AS c (number, position)
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number) AS columns,
       k.confrelid AS foreign_relation,
       (SELECT coalesce(array_agg(a.attname::text ORDER BY c.position), '{}')
        FROM unnest(k.confkey) WITH ORDINALITY AS c (number, position)
        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = c.number) AS foreign_columns,
       k.conindid AS index,
       k.confdeltype::text AS on_delete,
       k.confupdtype::text AS on_update,
       k.conparentid <> 0 AS is_inherited_copy,
       k.convalidated AS is_validated,
       CASE WHEN k.contype IN ('p', 'u') OR (k.contype = 'f' AND k.conparentid = 0)
            THEN pg_get_constraintdef(k.oid) END AS definition
FROM pg_constraint AS k
WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('p', 'u', 'f', 'x', 'c')
ORDER BY k.conrelid, k.conname, k.oid
