-- The definitions of those of the functions $1 whose bodies were parsed when they were created (BEGIN ATOMIC, 14).
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on the relations that a body names, until the transaction ends.
-- Versions: 13 to 18.
SELECT /* pgadvise:function_bodies */
       p.oid, pg_get_functiondef(p.oid) AS definition
FROM pg_proc AS p
WHERE p.oid = ANY ($1::oid[])
