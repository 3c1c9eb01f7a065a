-- Blocks and rows of the indexes $1.
-- Sent to the private server only. Versions: 13 to 18.
UPDATE pg_catalog.pg_class AS c
SET relpages = v.n_pages, reltuples = v.n_rows
FROM unnest($1::oid[], $2::int4[], $3::float8[]) AS v (oid, n_pages, n_rows)
WHERE c.oid = v.oid
