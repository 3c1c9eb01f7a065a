-- Relations that statements can name, outside the system schemas: one page of $2 rows, by oid after $1. Temporary ones
-- are left out: no other session can name them. Sizes are relpages, so that no relation is opened.
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
