-- Every index of the relations $1 (schemas) and $2 (names), position by position, with its state, its scans so far and
-- its definition taken apart: the body from USING on without WITH and WHERE, the expressions, the predicate. The session
-- looks up names in pg_catalog only, so that relations are always qualified in what pg_get_indexdef prints.
SELECT /* pgadvise:verify_indexes */
       n.nspname::text AS schema_name,
       t.relname::text AS relation_name,
       c.relname::text AS index_name,
       i.indexrelid AS index_oid,
       i.indisunique AS is_unique,
       i.indisvalid AND i.indisready AND i.indislive AS is_usable,
       CASE WHEN c.reloptions IS NULL THEN w.body ELSE regexp_replace(w.body, ' WITH \([^()]*\)$', '') END AS body,
       b.expressions,
       b.predicate,
       s.idx_scan AS n_scans
  FROM unnest($1, $2) AS wanted(schema_name, relation_name)
  JOIN pg_namespace AS n ON n.nspname = wanted.schema_name
  JOIN pg_class AS t ON t.relnamespace = n.oid AND t.relname = wanted.relation_name
  JOIN pg_index AS i ON i.indrelid = t.oid
  JOIN pg_class AS c ON c.oid = i.indexrelid
  LEFT JOIN pg_stat_all_indexes AS s ON s.indexrelid = i.indexrelid
 CROSS JOIN LATERAL (
       SELECT ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts::integer) AS k
                     WHERE i.indkey[k - 1] = 0 ORDER BY k) AS expressions,
              pg_get_expr(i.indpred, i.indrelid) AS predicate,
              substr(pg_get_indexdef(i.indexrelid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I ',
                CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname,
                CASE WHEN c.relkind = 'I' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname))) AS body) AS b
 CROSS JOIN LATERAL (
       SELECT CASE WHEN b.predicate IS NULL THEN b.body ELSE left(b.body, -length(' WHERE ' || b.predicate)) END AS body) AS w
 ORDER BY n.nspname, t.relname, c.relname COLLATE "C"
