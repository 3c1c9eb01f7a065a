-- The row level security policies of the relations $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation for a moment, and on those that a policy's subqueries
-- read, until the transaction ends. Versions: 13 to 18.
SELECT /* pgadvise:policies */
       p.polrelid AS relation,
       p.polname::text AS name,
       p.polpermissive AS is_permissive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                     ELSE 'ALL' END AS command,
       ARRAY(SELECT r.rolname::text FROM pg_roles AS r
             WHERE r.oid = ANY (p.polroles) AND NOT 0 = ANY (p.polroles) ORDER BY r.rolname) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS "using",
       pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
FROM pg_policy AS p
WHERE p.polrelid = ANY ($1::oid[])
ORDER BY p.polrelid, p.polname
