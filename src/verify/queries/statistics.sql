-- The statistics objects of the relations $1 (schemas) and $2 (names), position by position, and whatever object bears the
-- name $3 in that schema, on another relation perhaps. How the role may see what is in them: can_read_data means by
-- statistics_data.sql, is_shown that by statistics_data_shown.sql an object has a row unless there is nothing to show.
-- is_shown asks for what the view asks for both before and after it was closed to all but the relation's owner
-- (CVE-2024-4317, by the version that made the cluster), so that a role between the two is told nothing wrong.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18. Kind "e" says that there are expressions (14 and newer).
SELECT DISTINCT /* pgadvise:verify_statistics */
       s.oid,
       n.nspname::text AS schema_name,
       s.stxname::text AS name,
       r.nspname::text AS relation_schema,
       t.relname::text AS relation_name,
       ARRAY(SELECT a.attname::text FROM unnest(s.stxkeys::int2[]) AS k(attnum)
               JOIN pg_attribute AS a ON a.attrelid = s.stxrelid AND a.attnum = k.attnum ORDER BY a.attnum) AS columns,
       s.stxkind::text[] AS kinds,
       has_table_privilege('pg_statistic_ext_data', 'SELECT') AS can_read_data,
       coalesce(pg_has_role(t.relowner, 'USAGE') AND has_table_privilege(t.oid, 'SELECT')
                AND NOT row_security_active(t.oid), false) AS is_shown
  FROM unnest($1, $2, $3) AS wanted(schema_name, relation_name, name)
  JOIN pg_namespace AS w ON w.nspname = wanted.schema_name
  JOIN pg_statistic_ext AS s
    ON s.stxnamespace = w.oid AND s.stxname = wanted.name
    OR s.stxrelid = (SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = w.oid AND c.relname = wanted.relation_name)
  JOIN pg_namespace AS n ON n.oid = s.stxnamespace
  JOIN pg_class AS t ON t.oid = s.stxrelid
  JOIN pg_namespace AS r ON r.oid = t.relnamespace
 ORDER BY s.oid
