-- The definitions of the check and exclusion constraints of the relations $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation, for a moment. Versions: 13 to 18.
SELECT /* pgadvise:check_expressions */
       k.oid,
       pg_get_expr(k.conbin, k.conrelid) AS expression,
       pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint AS k
WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('c', 'x')
