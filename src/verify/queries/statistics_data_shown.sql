-- As statistics_data, for roles that may not read pg_statistic_ext_data: the view shows what the role may see.
-- Rights: ownership of the relation, or membership in its owner, or SELECT on the object's columns where the cluster was
-- made by a version before the view was closed to others (CVE-2024-4317, 13 always). Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:verify_statistics_data_shown */
       s.oid,
       array_remove(ARRAY[CASE WHEN bool_or(v.n_distinct IS NOT NULL) THEN 'd' END,
                          CASE WHEN bool_or(v.dependencies IS NOT NULL) THEN 'f' END,
                          CASE WHEN bool_or(v.most_common_vals IS NOT NULL) THEN 'm' END], NULL) AS filled
  FROM pg_statistic_ext AS s
  JOIN pg_namespace AS n ON n.oid = s.stxnamespace
  JOIN pg_stats_ext AS v ON v.statistics_schemaname = n.nspname AND v.statistics_name = s.stxname
 WHERE s.oid = ANY ($1)
 GROUP BY s.oid
 ORDER BY s.oid
