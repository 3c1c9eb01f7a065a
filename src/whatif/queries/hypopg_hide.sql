-- Hides the existing indexes of $1 from this session's planner, and none but those. {schema} is HypoPG's.
-- Rights: EXECUTE on HypoPG's functions, which every role has. Locks: none. Versions: HypoPG 1.4 and later.
WITH shown AS MATERIALIZED (SELECT {schema}.hypopg_unhide_all_indexes())
SELECT /* pgadvise:hypopg_hide */ count(*) FILTER (WHERE {schema}.hypopg_hide_index(hidden.oid)) AS n_hidden
FROM (SELECT count(*) FROM shown) AS first, unnest($1) AS hidden(oid)
