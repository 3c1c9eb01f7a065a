-- The schemas of the database but the system's.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:schemas */
       n.nspname::text AS schema
FROM pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
