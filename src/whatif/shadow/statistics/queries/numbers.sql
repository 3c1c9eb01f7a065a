-- The numbers that VACUUM and ANALYZE keep in pg_class, of the relations and indexes called $2 in the schemas $1.
-- Sent to the private server only, as superuser. Versions: 13 to 18. (18's relallfrozen is of no interest to the planner.)
UPDATE pg_catalog.pg_class AS c
SET relpages = v.n_pages, reltuples = v.n_rows, relallvisible = v.n_all_visible_pages
FROM unnest($1::text[], $2::text[], $3::int4[], $4::float8[], $5::int4[])
     AS v (schema, name, n_pages, n_rows, n_all_visible_pages)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = v.schema
WHERE c.relnamespace = n.oid AND c.relname = v.name
