-- The columns of the relations $1.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18 (builtin collations, provider b, from 17 on).
-- $2 says whether the database's own collation compares bytes; columns of the default collation have that one.
SELECT /* pgadvise:columns */
       a.attrelid AS relation,
       a.attnum AS number,
       a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type_sql,
       a.atttypid AS type,
       a.attnotnull AS is_not_null,
       a.attgenerated <> '' OR a.attidentity <> '' AS is_generated,
       a.attcollation AS collation_oid,
       CASE WHEN a.attcollation <> t.typcollation
            THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
       CASE WHEN a.attcollation = 0 THEN true
            WHEN a.attcollation = 'pg_catalog."default"'::regcollation THEN $2::bool
            ELSE coalesce(co.collprovider = 'b' OR (co.collprovider = 'c' AND co.collcollate IN ('C', 'POSIX')), false)
       END AS collation_is_c
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
