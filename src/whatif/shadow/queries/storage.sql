-- Where the relations and indexes of this database are stored.
-- Sent to the private server only. Versions: 13 to 18.
SELECT n.nspname::text AS schema,
       c.relname::text AS name,
       pg_catalog.pg_relation_filepath(c.oid) AS path
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid
