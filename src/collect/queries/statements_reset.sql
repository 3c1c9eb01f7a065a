-- When pg_stat_statements was reset, and how often it evicted statements since. {schema} is the extension's.
-- Rights: USAGE on the extension's schema. Locks: ACCESS SHARE on the view. Versions: 14 to 18.
SELECT /* pgadvise:statements_reset */
       i.dealloc AS n_evictions, (extract(epoch FROM i.stats_reset) * 1000000)::int8 AS stats_reset
FROM {schema}.pg_stat_statements_info AS i
