-- The indexes called $2 in schema $1 and the partitions of each, with where they are stored and what they are on.
-- Sent to the private server only. Versions: 13 to 18.
SELECT root.name AS root,
       c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind = 'i' AS is_stored,
       pg_catalog.pg_relation_filepath(c.oid) AS path,
       m.amname::text AS access_method,
       i.indrelid AS heap
FROM (SELECT r.oid, r.relname::text AS name
      FROM pg_catalog.pg_class AS r
      JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace
      WHERE s.nspname = $1 AND r.relname = ANY ($2::text[])) AS root
CROSS JOIN LATERAL (SELECT root.oid
                    UNION
                    SELECT t.relid FROM pg_catalog.pg_partition_tree(root.oid) AS t) AS part (oid)
JOIN pg_catalog.pg_class AS c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
ORDER BY c.oid
