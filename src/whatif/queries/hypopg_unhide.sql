-- Shows this session's planner all existing indexes again. {schema} is HypoPG's.
-- Rights: EXECUTE on HypoPG's functions, which every role has. Locks: none. Versions: HypoPG 1.4 and later.
SELECT /* pgadvise:hypopg_unhide */ count(*) AS n_calls FROM {schema}.hypopg_unhide_all_indexes()
