-- Which relations of any kind have the names $1 (schemas) and $2 (names), position by position.
SELECT /* pgadvise:verify_names */
       n.nspname::text AS schema_name, c.relname::text AS name, c.oid, c.relkind::text AS kind
  FROM unnest($1, $2) AS wanted(schema_name, name)
  JOIN pg_namespace AS n ON n.nspname = wanted.schema_name
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
 ORDER BY n.nspname, c.relname
