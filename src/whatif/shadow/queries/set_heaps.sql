-- Puts back what CREATE INDEX counted over an empty file: blocks, rows and all-visible blocks of the relations $1.
-- Sent to the private server only. Versions: 13 to 18.
UPDATE pg_catalog.pg_class AS c
SET relpages = v.n_pages, reltuples = v.n_rows, relallvisible = v.n_all_visible_pages
FROM unnest($1::oid[], $2::int4[], $3::float8[], $4::int4[]) AS v (oid, n_pages, n_rows, n_all_visible_pages)
WHERE c.oid = v.oid
