-- The tablespaces with storage parameters, which change what the planner takes a page to cost there.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:tablespaces */
       t.spcname::text AS name,
       t.oid = d.dattablespace AS is_default,
       t.spcoptions AS options
FROM pg_tablespace AS t
JOIN pg_database AS d ON d.datname = current_database()
WHERE t.spcoptions IS NOT NULL
ORDER BY t.spcname
