-- Whether pg_stat_statements is there, where, and in which state.
-- Rights: none beyond CONNECT; shared_preload_libraries is NULL without pg_read_all_settings. Locks: none.
-- Versions: 13 to 18 (compute_query_id from 14 on). A library that is not loaded has no settings: they are NULL.
SELECT /* pgadvise:statements_source */
       e.extversion AS version,
       n.nspname::text AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS can_use_schema,
       (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'shared_preload_libraries') AS preload_libraries,
       (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'pg_stat_statements.track') AS track,
       (SELECT s.reset_val::int8 FROM pg_settings AS s WHERE s.name = 'pg_stat_statements.max') AS n_entries_max,
       (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'compute_query_id') AS compute_query_id,
       EXISTS (SELECT FROM pg_available_extensions AS a WHERE a.name = 'pg_stat_statements') AS is_available,
       EXISTS (SELECT FROM pg_class AS v
               WHERE v.relnamespace = e.extnamespace AND v.relname = 'pg_stat_statements_info') AS has_resets
FROM (SELECT) AS one
LEFT JOIN pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
