-- What the partitioned indexes of the relations $1 (schemas) and $2 (names), position by position, consist of: each
-- partition at any level with the index that is attached to the one above, or with none where there is none.
WITH RECURSIVE parts AS (
       SELECT i.indexrelid AS whole, i.indrelid AS relation, i.indexrelid AS index
         FROM unnest($1, $2) AS wanted(schema_name, relation_name)
         JOIN pg_namespace AS n ON n.nspname = wanted.schema_name
         JOIN pg_class AS t ON t.relnamespace = n.oid AND t.relname = wanted.relation_name AND t.relkind = 'p'
         JOIN pg_index AS i ON i.indrelid = t.oid
       UNION ALL
       SELECT above.whole, partition.inhrelid,
              (SELECT part.inhrelid FROM pg_inherits AS part JOIN pg_index AS i ON i.indexrelid = part.inhrelid
                WHERE part.inhparent = above.index AND i.indrelid = partition.inhrelid)
         FROM parts AS above
         JOIN pg_inherits AS partition ON partition.inhparent = above.relation)
SELECT /* pgadvise:verify_parts */
       parts.whole AS whole_oid,
       parts.relation AS relation_oid,
       format('%I.%I', n.nspname, t.relname) AS relation_name,
       m.nspname::text AS schema_name,
       c.relname::text AS index_name,
       t.relkind <> 'p' AS is_leaf,
       coalesce(i.indisvalid AND i.indisready AND i.indislive, false) AS is_usable
  FROM parts
  JOIN pg_class AS t ON t.oid = parts.relation
  JOIN pg_namespace AS n ON n.oid = t.relnamespace
  LEFT JOIN pg_index AS i ON i.indexrelid = parts.index
  LEFT JOIN pg_class AS c ON c.oid = parts.index
  LEFT JOIN pg_namespace AS m ON m.oid = c.relnamespace
 WHERE parts.index IS DISTINCT FROM parts.whole AND t.relkind <> 'f'
 ORDER BY n.nspname, t.relname, parts.whole
