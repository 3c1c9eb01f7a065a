-- Indexes that a run which was killed left behind: their names begin with $1.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:sandbox_leftovers */ format('%I.%I', n.nspname, c.relname) AS name
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('i', 'I') AND starts_with(c.relname, $1) AND NOT c.relispartition
ORDER BY 1
