-- Index builds that run in this database, and the relations that they hold the lock of a build on. A role without
-- pg_read_all_stats sees neither relation nor index of another role's build in the progress view, but all its locks.
-- is_visible says whether the index that is being built is in the catalog yet: a plain CREATE INDEX is not.
SELECT /* pgadvise:verify_builds */
       p.pid,
       l.relation AS relation_oid,
       nullif(p.index_relid, 0) AS index_oid,
       c.oid IS NOT NULL AS is_visible,
       p.phase,
       p.blocks_done, p.blocks_total, p.lockers_done, p.lockers_total
  FROM pg_stat_progress_create_index AS p
  JOIN pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
  LEFT JOIN pg_class AS c ON c.oid = p.index_relid
 WHERE p.datname = current_database()
   AND l.locktype = 'relation' AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') AND l.granted
 ORDER BY p.pid, l.relation
