-- How values of the types $1 are stored, domains followed down: as oids of enum labels (then with the enum), or with oids of
-- types that users made inside them (composite types, ranges, arrays of such types).
-- Sent to the private server only. Versions: 13 to 18.
WITH RECURSIVE asked (oid, base) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type AS t WHERE t.oid = ANY ($1::oid[])
    UNION
    SELECT asked.oid, t.typbasetype
    FROM asked JOIN pg_catalog.pg_type AS t ON t.oid = asked.base
    WHERE t.typtype = 'd'
)
SELECT asked.oid,
       CASE WHEN t.typtype = 'e' THEN t.oid END AS enum,
       (t.typtype IN ('c', 'r', 'm') AND t.oid >= 16384::oid)
       OR (t.typelem >= 16384::oid AND t.typlen = -1) AS holds_oids
FROM asked
JOIN pg_catalog.pg_type AS t ON t.oid = asked.base AND t.typtype <> 'd'
ORDER BY asked.oid
