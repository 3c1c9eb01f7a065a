-- Hides the existing indexes of $1 from this session's planner. {schema} is HypoPG's.
-- Rights: EXECUTE on HypoPG's functions, which every role has. Locks: none. Versions: HypoPG 1.4 and later.
SELECT /* pgadvise:hypopg_hide */ count({schema}.hypopg_hide_index(hidden.oid)) AS n_hidden
FROM unnest($1) AS hidden(oid)
