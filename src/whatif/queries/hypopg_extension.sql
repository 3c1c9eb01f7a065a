-- Where HypoPG is, in which version, and whether it could be created.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:hypopg_extension */
       n.nspname::text AS schema,
       e.extversion AS version,
       EXISTS (SELECT FROM pg_available_extensions AS a WHERE a.name = 'hypopg') AS is_available
FROM (SELECT) AS one
LEFT JOIN pg_extension AS e ON e.extname = 'hypopg'
LEFT JOIN pg_namespace AS n ON n.oid = e.extnamespace
