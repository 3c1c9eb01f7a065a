-- Current blocks of the relations $1 and of their indexes, which is what the planner counts with: relpages is as old as
-- the last VACUUM or ANALYZE.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each, for a moment. Versions: 13 to 18.
SELECT /* pgadvise:sizes */
       s.oid, size.n_bytes / current_setting('block_size')::int8 AS n_pages
FROM (SELECT unnest($1::oid[]) AS oid
      UNION ALL
      SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = ANY ($1::oid[])) AS s
CROSS JOIN LATERAL pg_relation_size(s.oid) AS size (n_bytes)
WHERE size.n_bytes IS NOT NULL
