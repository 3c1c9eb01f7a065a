-- The types $1, domains followed down to the type that operators see, and whether that has a default btree operator
-- class: one of its own, one of a type that it is binary coercible to (varchar to text), or one for its kind of type
-- (enum, range, composite, array of elements that have one); the search of GetDefaultOpClass in indexcmds.c.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18 (multiranges, typtype m, from 14 on).
WITH RECURSIVE /* pgadvise:types */
ordered (oid) AS (
    SELECT o.opcintype FROM pg_opclass AS o
    WHERE o.opcdefault AND o.opcmethod = (SELECT m.oid FROM pg_am AS m WHERE m.amname = 'btree')
),
asked (oid, base) AS (
    SELECT t.oid, t.oid FROM pg_type AS t WHERE t.oid = ANY ($1::oid[])
    UNION ALL
    SELECT asked.oid, t.typbasetype FROM asked JOIN pg_type AS t ON t.oid = asked.base WHERE t.typtype = 'd'
),
element (oid, of) AS (
    SELECT asked.oid, asked.base FROM asked
    UNION ALL
    SELECT element.oid, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
    FROM element JOIN pg_type AS t ON t.oid = element.of
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1)
),
comparable (oid) AS (
    SELECT element.oid
    FROM element JOIN pg_type AS t ON t.oid = element.of
    WHERE t.typtype <> 'd' AND NOT (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1)
      AND (t.typtype IN ('e', 'r', 'm', 'c')
           OR t.oid IN (SELECT ordered.oid FROM ordered)
           OR EXISTS (SELECT FROM pg_cast AS k
                      WHERE k.castsource = t.oid AND k.castmethod = 'b' AND k.castcontext = 'i'
                        AND k.casttarget IN (SELECT ordered.oid FROM ordered)))
)
SELECT asked.oid,
       n.nspname::text AS schema,
       t.typname::text AS name,
       t.typcategory::text AS category,
       t.typlen AS length,
       asked.oid IN (SELECT comparable.oid FROM comparable) AS has_btree_opclass
FROM asked
JOIN pg_type AS t ON t.oid = asked.base AND t.typtype <> 'd'
JOIN pg_namespace AS n ON n.oid = t.typnamespace
ORDER BY asked.oid
