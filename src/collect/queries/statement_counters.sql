-- The counters of this database's statements, without their texts. {schema} is the extension's.
-- Rights: of other roles' statements, the queryid is NULL without pg_read_all_stats. Locks: none on relations.
-- Versions: of the extension, 1.2 and later, whatever the server's: a column that it does not have is the NULL of the
-- same name in "absent" (an outer query level), so that nothing is guessed from a version number.
SELECT /* pgadvise:statement_counters */
       s.queryid,
       s.userid,
       pg_get_userbyid(s.userid)::text AS role,
       s.is_top_level,
       s.n_calls,
       s.n_rows,
       s.exec_ms_total,
       s.exec_ms_mean,
       s.exec_ms_stddev,
       s.exec_ms_max,
       s.n_shared_blocks_hit,
       s.n_shared_blocks_read,
       s.n_temp_blocks_written,
       s.wal_bytes,
       (extract(epoch FROM s.since) * 1000000)::int8 AS stats_since,
       s.n_entries_of_cluster
FROM (SELECT NULL::bool AS toplevel,
             NULL::float8 AS total_exec_time, NULL::float8 AS total_time,
             NULL::float8 AS mean_exec_time, NULL::float8 AS mean_time,
             NULL::float8 AS stddev_exec_time, NULL::float8 AS stddev_time,
             NULL::float8 AS max_exec_time, NULL::float8 AS max_time,
             NULL::numeric AS wal_bytes, NULL::timestamptz AS stats_since) AS absent,
     LATERAL (SELECT queryid, userid, dbid,
                     coalesce(toplevel, true) AS is_top_level,
                     calls AS n_calls,
                     rows AS n_rows,
                     coalesce(total_exec_time, total_time, 0) AS exec_ms_total,
                     coalesce(mean_exec_time, mean_time, 0) AS exec_ms_mean,
                     coalesce(stddev_exec_time, stddev_time, 0) AS exec_ms_stddev,
                     coalesce(max_exec_time, max_time, 0) AS exec_ms_max,
                     shared_blks_hit AS n_shared_blocks_hit,
                     shared_blks_read AS n_shared_blocks_read,
                     temp_blks_written AS n_temp_blocks_written,
                     coalesce(wal_bytes, 0)::float8 AS wal_bytes,
                     stats_since AS since,
                     count(*) OVER () AS n_entries_of_cluster
              FROM {schema}.pg_stat_statements(false)) AS s
WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
