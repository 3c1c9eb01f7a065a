-- CREATE INDEX and REINDEX that run in the database. A role without pg_read_all_stats sees that there is one, but not
-- of which index (NULL): then the relation is told by the lock that the build holds on it.
-- Rights: none beyond CONNECT. Locks: none on relations. Versions: 13 to 18.
SELECT /* pgadvise:index_builds */
       p.index_relid AS index, l.relation
FROM pg_stat_progress_create_index AS p
LEFT JOIN pg_locks AS l ON l.pid = p.pid AND l.locktype = 'relation' AND l.database = p.datid AND l.granted
                       AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock')
WHERE p.datid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
ORDER BY p.pid, l.relation
