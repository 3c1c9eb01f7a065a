-- The extensions: those created in the database, and the names of those that could be.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18. Reads the server's control files.
SELECT /* pgadvise:extensions */
       a.name::text AS name,
       n.nspname::text AS schema,
       e.extversion AS version
FROM (SELECT name FROM pg_available_extensions UNION SELECT extname FROM pg_extension) AS a
LEFT JOIN pg_extension AS e ON e.extname = a.name
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
ORDER BY a.name
