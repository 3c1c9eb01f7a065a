-- Scan and write counters of the relations $1, since the statistics were last reset, on this node.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:activity */
       s.relid AS relation,
       coalesce(s.seq_scan, 0) AS n_seq_scans,
       coalesce(s.seq_tup_read, 0) AS n_seq_rows_read,
       coalesce(s.idx_scan, 0) AS n_index_scans,
       coalesce(s.idx_tup_fetch, 0) AS n_index_rows_fetched,
       coalesce(s.n_tup_ins, 0) AS n_rows_inserted,
       coalesce(s.n_tup_upd, 0) AS n_rows_updated,
       coalesce(s.n_tup_hot_upd, 0) AS n_rows_hot_updated,
       coalesce(s.n_tup_del, 0) AS n_rows_deleted,
       coalesce(s.n_live_tup, 0) AS n_live_rows,
       coalesce(s.n_dead_tup, 0) AS n_dead_rows,
       coalesce(s.n_mod_since_analyze, 0) AS n_modified_since_analyze,
       (extract(epoch FROM greatest(s.last_analyze, s.last_autoanalyze)) * 1000000)::int8 AS last_analyze,
       (extract(epoch FROM greatest(s.last_vacuum, s.last_autovacuum)) * 1000000)::int8 AS last_vacuum
FROM pg_stat_all_tables AS s
WHERE s.relid = ANY ($1::oid[])
