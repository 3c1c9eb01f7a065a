-- The CREATE STATISTICS objects, with the numbers and types of their plain columns.
-- Sent to the private server only. Versions: 13 to 18.
SELECT s.oid,
       n.nspname::text AS schema,
       s.stxname::text AS name,
       quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS relation,
       k.columns,
       k.numbers,
       k.types
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}') AS columns,
           coalesce(array_agg(a.atttypid ORDER BY a.attnum), '{}') AS types,
           coalesce(array_agg(a.attnum ORDER BY a.attnum), '{}') AS numbers
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys)
) AS k
ORDER BY s.oid
