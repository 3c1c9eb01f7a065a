-- The CREATE STATISTICS objects of the relations $1, without their data and expressions.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:extended_statistics */
       s.oid,
       s.stxrelid AS relation,
       n.nspname::text AS schema,
       s.stxname::text AS name,
       s.stxkeys::int2[] AS columns,
       s.stxkind::text[] AS kinds
FROM pg_statistic_ext AS s
JOIN pg_namespace AS n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY ($1::oid[])
ORDER BY s.stxrelid, n.nspname, s.stxname
