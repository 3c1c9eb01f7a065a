-- The stored relations of the relation $1.$2: itself, or its partitions at every level. With what CREATE INDEX changes
-- of them, so that it can be put back. Looked up by oid, not joined: the planner takes the catalogs of a new server for
-- empty, and would scan them again and again.
-- Sent to the private server only. Versions: 13 to 18.
WITH root AS (
    SELECT r.oid FROM pg_catalog.pg_class AS r
    WHERE r.relname = $2 AND r.relnamespace = (SELECT s.oid FROM pg_catalog.pg_namespace AS s WHERE s.nspname = $1))
SELECT c.oid,
       (SELECT n.nspname::text FROM pg_catalog.pg_namespace AS n WHERE n.oid = c.relnamespace) AS schema,
       c.relname::text AS name,
       pg_catalog.pg_relation_filepath(c.oid) AS path,
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 AS n_blocks,
       c.relpages AS n_pages,
       c.reltuples AS n_rows,
       c.relallvisible AS n_all_visible_pages
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY (ARRAY(SELECT root.oid FROM root
                         UNION
                         SELECT t.relid FROM root, pg_catalog.pg_partition_tree(root.oid) AS t WHERE t.isleaf))
  AND c.relkind IN ('r', 'm')
ORDER BY c.oid
