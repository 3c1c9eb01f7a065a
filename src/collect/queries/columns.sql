-- The columns of the relations $1.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18 (builtin collations, provider b, from 17 on; NOT NULL
-- is a constraint, contype n, from 18 on).
-- Defaults hold no column, so that pg_get_expr needs no relation and opens none; generation expressions are read apart.
-- $2 says whether the database's own collation compares bytes; columns of the default collation have that one.
SELECT /* pgadvise:columns */
       a.attrelid AS relation,
       a.attnum AS number,
       a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type_sql,
       a.atttypid AS type,
       a.attnotnull AS is_not_null,
       coalesce(NOT required.convalidated, false) AS is_not_null_unproven,
       coalesce(required.connoinherit, false) AS is_not_null_here_only,
       a.attgenerated <> '' OR a.attidentity <> '' AS is_generated,
       a.attgenerated::text AS generated,
       a.attidentity::text AS identity,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0) END AS default_sql,
       sequence.schema AS sequence_schema,
       sequence.name AS sequence_name,
       a.attcollation AS collation_oid,
       CASE WHEN a.attcollation <> t.typcollation
            THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END AS collation,
       CASE WHEN a.attcollation = 0 THEN true
            WHEN a.attcollation = 'pg_catalog."default"'::regcollation THEN $2::bool
            ELSE coalesce(co.collprovider = 'b' OR (co.collprovider = 'c' AND co.collcollate IN ('C', 'POSIX')), false)
       END AS collation_is_c
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN LATERAL (SELECT n.nspname::text AS schema, s.relname::text AS name
                   FROM pg_depend AS i
                   JOIN pg_class AS s ON s.oid = i.objid AND s.relkind = 'S'
                   JOIN pg_namespace AS n ON n.oid = s.relnamespace
                   WHERE i.refclassid = 'pg_class'::regclass AND i.refobjid = a.attrelid
                     AND i.refobjsubid = a.attnum AND i.classid = 'pg_class'::regclass AND i.deptype = 'i'
                   LIMIT 1) AS sequence ON a.attidentity <> ''
LEFT JOIN pg_constraint AS required ON a.attnotnull AND required.conrelid = a.attrelid AND required.contype = 'n'
                                   AND required.conkey = ARRAY[a.attnum]
LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
