-- The columns of the indexes of the relations $1, key columns first, then INCLUDE columns.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
-- The operator class is NULL where it is the default of the column's type and has no parameters. For an expression,
-- the index's own column has the type, unless the operator class stores another one (opckeytype).
WITH RECURSIVE /* pgadvise:index_columns */
chain (domain, base) AS (
    SELECT t.oid, t.typbasetype FROM pg_type AS t WHERE t.typtype = 'd'
    UNION ALL
    SELECT chain.domain, t.typbasetype FROM chain JOIN pg_type AS t ON t.oid = chain.base WHERE t.typtype = 'd'
),
base_type (domain, base) AS (
    SELECT chain.domain, chain.base FROM chain JOIN pg_type AS t ON t.oid = chain.base WHERE t.typtype <> 'd'
)
SELECT i.indexrelid AS index,
       k.position::int4 AS position,
       k.position <= i.indnkeyatts AS is_key,
       a.attname::text AS column_name,
       ia.attname::text AS statistics_name,
       coalesce((k.option & 1) <> 0, false) AS descending,
       coalesce((k.option & 2) <> 0, false) AS nulls_first,
       CASE WHEN ia.attoptions IS NULL AND o.opcdefault AND (exact.oid IS NULL OR exact.oid = o.oid) THEN NULL
            ELSE CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE quote_ident(n.nspname) || '.' END
                 || quote_ident(o.opcname)
                 || coalesce((SELECT ' (' || string_agg(quote_ident(split_part(p.entry, '=', 1)) || '='
                                             || quote_literal(substr(p.entry, position('=' IN p.entry) + 1)), ', ') || ')'
                              FROM unnest(ia.attoptions) AS p (entry)), '')
       END AS opclass,
       coalesce(k.collation_oid, 0::oid) AS collation_oid,
       quote_ident(cn.nspname) || '.' || quote_ident(co.collname) AS collation
FROM pg_index AS i
CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
    WITH ORDINALITY AS k (number, opclass, collation_oid, option, position)
JOIN pg_attribute AS ia ON ia.attrelid = i.indexrelid AND ia.attnum = k.position
LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0
LEFT JOIN pg_opclass AS o ON o.oid = k.opclass
LEFT JOIN pg_namespace AS n ON n.oid = o.opcnamespace
LEFT JOIN pg_type AS ty ON ty.oid = CASE WHEN k.number <> 0 THEN a.atttypid
                                         WHEN o.opckeytype = 0 THEN ia.atttypid END
LEFT JOIN base_type AS b ON b.domain = ty.oid
LEFT JOIN pg_opclass AS exact ON exact.opcmethod = o.opcmethod AND exact.opcdefault
                             AND exact.opcintype = coalesce(b.base, ty.oid)
LEFT JOIN pg_collation AS co ON co.oid = k.collation_oid
LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE i.indrelid = ANY ($1::oid[])
ORDER BY i.indexrelid, k.position
