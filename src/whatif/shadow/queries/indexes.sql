-- The indexes called $2 in schema $1 and the partitions of each, with where they are stored and what they are on. Looked
-- up by oid, not joined, as in heaps.sql.
-- Sent to the private server only. Versions: 13 to 18.
SELECT root.name AS root, found.*
FROM (SELECT r.oid, r.relname::text AS name
      FROM pg_catalog.pg_class AS r
      WHERE r.relname = ANY ($2::text[])
        AND r.relnamespace = (SELECT s.oid FROM pg_catalog.pg_namespace AS s WHERE s.nspname = $1)) AS root
CROSS JOIN LATERAL (SELECT root.oid
                    UNION
                    SELECT t.relid FROM pg_catalog.pg_partition_tree(root.oid) AS t) AS part (oid)
CROSS JOIN LATERAL (SELECT c.oid,
                           (SELECT n.nspname::text FROM pg_catalog.pg_namespace AS n
                            WHERE n.oid = c.relnamespace) AS schema,
                           c.relname::text AS name,
                           c.relkind = 'i' AS is_stored,
                           pg_catalog.pg_relation_filepath(c.oid) AS path,
                           (SELECT m.amname::text FROM pg_catalog.pg_am AS m WHERE m.oid = c.relam) AS access_method,
                           (SELECT i.indrelid FROM pg_catalog.pg_index AS i WHERE i.indexrelid = c.oid) AS heap
                    FROM pg_catalog.pg_class AS c
                    WHERE c.oid = part.oid AND c.relkind IN ('i', 'I')
                    OFFSET 0) AS found
ORDER BY found.oid
