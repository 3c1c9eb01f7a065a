-- The stored relations of the relation $1.$2: itself, or its partitions at every level. With what CREATE INDEX changes
-- of them, so that it can be put back.
-- Sent to the private server only. Versions: 13 to 18.
SELECT c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       pg_catalog.pg_relation_filepath(c.oid) AS path,
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 AS n_blocks,
       c.relpages AS n_pages,
       c.reltuples AS n_rows,
       c.relallvisible AS n_all_visible_pages
FROM (SELECT r.oid
      FROM pg_catalog.pg_class AS r
      JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace
      WHERE s.nspname = $1 AND r.relname = $2) AS root
CROSS JOIN LATERAL (SELECT root.oid
                    UNION
                    SELECT t.relid FROM pg_catalog.pg_partition_tree(root.oid) AS t WHERE t.isleaf) AS part (oid)
JOIN pg_catalog.pg_class AS c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
ORDER BY c.oid
