-- The columns of this session's temporary views: the types of the expressions that they were made of.
-- Sent to the private server only. Versions: 13 to 18.
SELECT c.relname::text AS view, a.atttypid AS type, a.attcollation AS collation
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = pg_catalog.pg_my_temp_schema() AND c.relkind = 'v'
ORDER BY c.oid, a.attnum
