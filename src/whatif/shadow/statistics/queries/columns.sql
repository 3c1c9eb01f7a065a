-- The columns that statistics can be about: those of relations, and the expressions of indexes. An operator class that
-- stores another type than it indexes (GIN, GiST) hides an expression's own type; then the expression is told too.
-- Sent to the private server only. Versions: 13 to 18.
SELECT n.nspname::text AS schema,
       c.relname::text AS relation,
       c.oid,
       a.attnum AS number,
       a.attname::text AS name,
       a.atttypid AS type,
       a.attcollation AS collation,
       CASE WHEN o.opckeytype <> 0
            THEN (SELECT quote_ident(tn.nspname) || '.' || quote_ident(t.relname)
                  FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
                  WHERE t.oid = i.indrelid) END AS indexed_relation,
       CASE WHEN o.opckeytype <> 0
            THEN pg_catalog.pg_get_indexdef(i.indexrelid, a.attnum, false) END AS expression
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_opclass AS o ON a.attnum <= i.indnkeyatts AND o.oid = i.indclass[a.attnum - 1]
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (c.relkind IN ('r', 'p', 'm', 'f')
       OR (c.relkind = 'i' AND a.attnum <= i.indnkeyatts AND i.indkey[a.attnum - 1] = 0))
ORDER BY c.oid, a.attnum
