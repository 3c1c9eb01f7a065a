-- Relations that statements can name, outside the system schemas: one page of $2 rows, by oid after $1. Temporary ones
-- are left out: no other session can name them. Sizes are relpages, and
-- pg_get_expr is given no relation for partition bounds, so that none is opened.
-- Rights: none beyond CONNECT. Locks: none (the functions look into the catalog only). Versions: 13 to 18.
SELECT /* pgadvise:relations */
       c.oid,
       n.nspname::text AS schema,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       pg_get_userbyid(c.relowner)::text AS owner,
       e.extname::text AS extension,
       c.relispartition AS is_partition,
       (SELECT i.inhparent FROM pg_inherits AS i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1) AS parent,
       ARRAY(SELECT i.inhparent FROM pg_inherits AS i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       pg_get_expr(c.relpartbound, 0) AS partition_bound,
       c.relforcerowsecurity AS forces_row_security,
       ARRAY(SELECT e.event
             FROM pg_trigger AS t
             CROSS JOIN LATERAL (VALUES (4, 'INSERT'), (8, 'DELETE'), (16, 'UPDATE')) AS e (bit, event)
             WHERE c.relkind = 'v' AND t.tgrelid = c.oid AND t.tgtype & 64 <> 0 AND t.tgtype & e.bit <> 0
               AND t.tgenabled <> 'D'
             GROUP BY e.event ORDER BY e.event) AS instead_of,
       EXISTS (SELECT FROM pg_rewrite AS w
               WHERE c.relhasrules AND w.ev_class = c.oid AND w.rulename <> '_RETURN' AND w.ev_enabled <> 'D') AS has_rules,
       c.relrowsecurity AS has_row_security,
       coalesce(row_security_active(c.oid), false) AS is_hidden_by_row_security,
       coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false) AS can_select,
       coalesce(c.reloptions, '{}') AS options,
       (SELECT t.spcname::text FROM pg_tablespace AS t WHERE t.oid = c.reltablespace) AS tablespace,
       c.relpages AS n_pages,
       c.reltuples::float8 AS n_rows,
       c.relallvisible AS n_all_visible_pages
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE c.oid > $1::oid
  AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid
LIMIT $2::int8
