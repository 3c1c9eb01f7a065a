-- As extended_distinct, for roles that may not read pg_statistic_ext_data: the view shows the owner's objects only.
-- Rights: ownership of the relation. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:extended_distinct_owned */
       s.oid, v.n_distinct::text AS n_distinct
FROM pg_statistic_ext AS s
JOIN pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_stats_ext AS v ON v.statistics_schemaname = n.nspname AND v.statistics_name = s.stxname
WHERE s.stxrelid = ANY ($1::oid[]) AND v.n_distinct IS NOT NULL
ORDER BY s.oid
