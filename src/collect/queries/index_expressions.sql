-- The expressions (one text, separated by commas) and predicates of those indexes of the relations $1 that have any.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation, for a moment. Versions: 13 to 18.
SELECT /* pgadvise:index_expressions */
       i.indexrelid AS index,
       pg_get_expr(i.indexprs, i.indrelid) AS expressions,
       pg_get_expr(i.indpred, i.indrelid) AS predicate
FROM pg_index AS i
WHERE i.indrelid = ANY ($1::oid[]) AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
