-- The indexes of the relations $1, without their columns. Not by pg_get_indexdef, which opens the relation and so
-- waits behind ACCESS EXCLUSIVE locks.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18; NULLS NOT DISTINCT came with 15: before, the name
-- means the false of "absent" (an outer query level).
SELECT /* pgadvise:indexes */
       i.indexrelid AS oid,
       i.indrelid AS relation,
       c.relname::text AS name,
       m.amname::text AS access_method,
       i.indisunique AS is_unique,
       i.nulls_not_distinct,
       i.indisvalid AS is_valid,
       i.indisready AS is_ready,
       i.indislive AS is_live,
       i.indisprimary AS is_primary,
       i.indisexclusion AS is_exclusion,
       i.indisreplident AS is_replica_identity,
       i.indisclustered AS is_clustered,
       (SELECT k.conname::text FROM pg_constraint AS k
        WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
        ORDER BY k.conname LIMIT 1) AS constraint_name,
       (SELECT h.inhparent FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid ORDER BY h.inhseqno LIMIT 1) AS parent,
       coalesce(c.reloptions, '{}') AS options,
       (SELECT t.spcname::text FROM pg_tablespace AS t WHERE t.oid = c.reltablespace) AS tablespace,
       c.relpages AS n_pages,
       c.reltuples::float8 AS n_rows,
       i.has_predicate
FROM (SELECT false AS indnullsnotdistinct) AS absent,
     LATERAL (SELECT indexrelid, indrelid, indisunique, indnullsnotdistinct AS nulls_not_distinct, indisvalid,
                     indisready, indislive, indisprimary, indisexclusion, indisreplident, indisclustered,
                     indpred IS NOT NULL AS has_predicate
              FROM pg_index WHERE indrelid = ANY ($1::oid[])) AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam
ORDER BY i.indrelid, c.relname
