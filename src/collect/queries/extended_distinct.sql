-- Distinct combinations that ANALYZE counted for the CREATE STATISTICS objects of the relations $1.
-- Rights: SELECT on pg_statistic_ext_data (superusers, pg_read_all_data). Locks: none. Versions: 13 to 18; from 15 on
-- an object can have two rows, the one over the children (stxdinherit) last.
SELECT /* pgadvise:extended_distinct */
       s.oid, d.n_distinct
FROM pg_statistic_ext AS s,
     (SELECT false AS stxdinherit) AS absent,
     LATERAL (SELECT stxdndistinct::text AS n_distinct, stxdinherit AS is_inherited
              FROM pg_statistic_ext_data WHERE stxoid = s.oid) AS d
WHERE s.stxrelid = ANY ($1::oid[]) AND d.n_distinct IS NOT NULL
ORDER BY s.oid, d.is_inherited
