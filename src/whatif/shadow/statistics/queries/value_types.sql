-- For each type of $1, and the types of its elements: what ANALYZE writes into pg_statistic beside the values. The equality
-- and less-than operators are those of the default operator classes (btree, for equality else hash) of the type that
-- operators see, domains followed down: the search of GetDefaultOpClass in indexcmds.c. The elements are those of an
-- array, or the lexemes of a tsvector.
-- Sent to the private server only. Versions: 13 to 18. Of multiranges (14 and later) the bounds are kept as ranges; before,
-- the name means the NULL of "absent" (an outer query level).
WITH RECURSIVE asked (oid, base) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type AS t WHERE t.oid = ANY ($1::oid[])
    UNION
    SELECT CASE WHEN t.typtype = 'd' THEN asked.oid ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
    FROM asked JOIN pg_catalog.pg_type AS t ON t.oid = asked.base
    WHERE t.typtype = 'd' OR (t.typelem <> 0 AND t.typlen = -1)
),
resolved AS (
    SELECT asked.oid, t.oid AS base, t.typtype, t.typcategory,
           CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem END AS element
    FROM asked JOIN pg_catalog.pg_type AS t ON t.oid = asked.base
    WHERE t.typtype <> 'd'
),
class AS (
    SELECT DISTINCT ON (r.oid, m.amname) r.oid, m.amname, o.opcfamily, o.opcintype
    FROM resolved AS r
    CROSS JOIN pg_catalog.pg_am AS m
    JOIN pg_catalog.pg_opclass AS o ON o.opcmethod = m.oid AND o.opcdefault
    JOIN pg_catalog.pg_type AS i ON i.oid = o.opcintype
    WHERE m.amname IN ('btree', 'hash')
      AND (i.oid = r.base
           OR (i.typnamespace = 'pg_catalog'::regnamespace
               AND i.typname = CASE WHEN r.element IS NOT NULL THEN 'anyarray'
                                    ELSE CASE r.typtype WHEN 'e' THEN 'anyenum' WHEN 'r' THEN 'anyrange'
                                                        WHEN 'm' THEN 'anymultirange' WHEN 'c' THEN 'record' END END)
           OR EXISTS (SELECT FROM pg_catalog.pg_cast AS k
                      WHERE k.castsource = r.base AND k.casttarget = i.oid
                        AND k.castmethod = 'b' AND k.castcontext = 'i'))
    ORDER BY r.oid, m.amname, i.oid = r.base DESC, (i.typispreferred AND i.typcategory = r.typcategory) DESC, o.oid
),
operators AS (
    SELECT class.oid,
           max(a.amopopr) FILTER (WHERE class.amname = 'btree' AND a.amopstrategy = 1) AS less_than,
           max(a.amopopr) FILTER (WHERE class.amname = 'btree' AND a.amopstrategy = 3) AS btree_equality,
           max(a.amopopr) FILTER (WHERE class.amname = 'hash' AND a.amopstrategy = 1) AS hash_equality
    FROM class
    JOIN pg_catalog.pg_amop AS a ON a.amopfamily = class.opcfamily AND a.amoppurpose = 's'
                                AND a.amoplefttype = class.opcintype AND a.amoprighttype = class.opcintype
    GROUP BY class.oid
)
SELECT r.oid,
       coalesce(o.btree_equality, o.hash_equality, 0::oid) AS equality,
       coalesce(o.less_than, 0::oid) AS less_than,
       CASE WHEN r.base = 'pg_catalog.tsvector'::regtype THEN 'pg_catalog.text'::regtype::oid ELSE r.element END AS element,
       r.base = 'pg_catalog.tsvector'::regtype AS is_tsvector,
       coalesce((SELECT m.rngtypid FROM pg_catalog.pg_range AS m WHERE rngmultitypid = r.base), r.base) AS range
FROM (SELECT NULL::oid AS rngmultitypid) AS absent
CROSS JOIN resolved AS r
LEFT JOIN operators AS o ON o.oid = r.oid
ORDER BY r.oid
