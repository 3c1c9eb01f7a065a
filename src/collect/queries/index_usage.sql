-- How often the indexes of the relations $1 were used, on this node.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18; the last scan is known from 16 on: before, the name
-- means the NULL of "absent" (an outer query level).
SELECT /* pgadvise:index_usage */
       u.indexrelid AS index,
       u.idx_scan AS n_scans,
       u.idx_tup_read AS n_entries_read,
       u.idx_tup_fetch AS n_rows_fetched,
       (extract(epoch FROM u.last_scan) * 1000000)::int8 AS last_scan
FROM (SELECT NULL::timestamptz AS last_idx_scan) AS absent,
     LATERAL (SELECT indexrelid, idx_scan, idx_tup_read, idx_tup_fetch, last_idx_scan AS last_scan
              FROM pg_stat_all_indexes WHERE relid = ANY ($1::oid[])) AS u
