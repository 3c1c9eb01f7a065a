-- The rewrite rules of the relations $1, but what makes a view a view.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation, and on those that its rules name, until the
-- transaction ends. Versions: 13 to 18.
SELECT /* pgadvise:rules */
       w.ev_class AS relation, pg_get_ruledef(w.oid) AS definition
FROM pg_rewrite AS w
WHERE w.ev_class = ANY ($1::oid[]) AND w.rulename <> '_RETURN' AND w.ev_enabled <> 'D'
ORDER BY w.ev_class, w.rulename
