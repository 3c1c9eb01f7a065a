-- Relations that another session holds, or waits for, in ACCESS EXCLUSIVE mode: whatever opens one would wait behind
-- that lock, which here means every function that turns an expression back into SQL, and those that measure files.
-- Rights: none beyond CONNECT. Locks: none on relations. Versions: 13 to 18.
SELECT DISTINCT /* pgadvise:locked_relations */
       l.relation AS oid
FROM pg_locks AS l
WHERE l.locktype = 'relation'
  AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND l.pid <> pg_backend_pid()
ORDER BY 1
