-- The expressions of the generated columns of the relations $1.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE on each relation, for a moment. Versions: 13 to 18.
SELECT /* pgadvise:generation_expressions */
       d.adrelid AS relation, d.adnum AS number, pg_get_expr(d.adbin, d.adrelid) AS expression
FROM pg_attrdef AS d
JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = ANY ($1::oid[]) AND a.attgenerated <> ''
