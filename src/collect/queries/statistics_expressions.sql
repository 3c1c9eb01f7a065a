-- The expressions of the CREATE STATISTICS objects of the relations $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation, for a moment. Versions: 13 to 18;
-- expressions came with 14: before, stxexprs means the NULL of "absent" (an outer query level).
SELECT /* pgadvise:statistics_expressions */
       s.oid, pg_get_expr(s.expressions, s.stxrelid) AS expressions
FROM (SELECT NULL::pg_node_tree AS stxexprs) AS absent,
     LATERAL (SELECT oid, stxrelid, stxexprs AS expressions FROM pg_statistic_ext
              WHERE stxrelid = ANY ($1::oid[])) AS s
WHERE s.expressions IS NOT NULL
