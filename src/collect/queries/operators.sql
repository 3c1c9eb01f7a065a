-- The operators that no extension owns.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:operators */
       n.nspname::text AS schema,
       o.oprname::text AS name,
       CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END AS "left",
       format_type(o.oprright, NULL) AS "right",
       array_remove(ARRAY[
           'FUNCTION = ' || o.oprcode::regproc,
           (SELECT 'COMMUTATOR = OPERATOR(' || quote_ident(cn.nspname) || '.' || c.oprname || ')'
            FROM pg_operator AS c JOIN pg_namespace AS cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprcom),
           (SELECT 'NEGATOR = OPERATOR(' || quote_ident(cn.nspname) || '.' || c.oprname || ')'
            FROM pg_operator AS c JOIN pg_namespace AS cn ON cn.oid = c.oprnamespace WHERE c.oid = o.oprnegate),
           'RESTRICT = ' || nullif(o.oprrest, 0::oid)::regproc,
           'JOIN = ' || nullif(o.oprjoin, 0::oid)::regproc,
           CASE WHEN o.oprcanhash THEN 'HASHES' END,
           CASE WHEN o.oprcanmerge THEN 'MERGES' END], NULL) AS options
FROM pg_operator AS o
JOIN pg_namespace AS n ON n.oid = o.oprnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND o.oprcode <> 0 AND o.oprright <> 0
  AND NOT EXISTS (SELECT FROM pg_depend AS d
                  WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
ORDER BY o.oid
