-- As extended_data, for roles that may not read pg_statistic_ext_data: the view shows the owner's objects only, and the
-- most common combinations in a form that no server takes back. $2 makes no difference.
-- Rights: ownership of the relation. Locks: none. Versions: 13 to 18; from 15 on an object can have two rows; before,
-- the name "inherited" means the false of "absent" (an outer query level).
SELECT /* pgadvise:extended_data_owned */
       s.oid,
       v.is_inherited,
       v.n_distinct::text AS combinations,
       encode(v.n_distinct::bytea, 'hex') AS n_distinct,
       encode(v.dependencies::bytea, 'hex') AS dependencies,
       CASE WHEN s.stxrelid = ANY ($2::oid[]) THEN NULL::text END AS most_common_values
FROM pg_statistic_ext AS s
JOIN pg_namespace AS n ON n.oid = s.stxnamespace,
     (SELECT false AS inherited) AS absent,
     LATERAL (SELECT n_distinct, dependencies, inherited AS is_inherited
              FROM pg_stats_ext
              WHERE statistics_schemaname = n.nspname AND statistics_name = s.stxname) AS v
WHERE s.stxrelid = ANY ($1::oid[])
ORDER BY s.oid, v.is_inherited
