-- Own objects of kinds that are not read: they are only named.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:unread_objects */
       o.kind || ' ' || quote_ident(n.nspname) || '.' || quote_ident(o.name) AS object
FROM (SELECT 'operator class' AS kind, opcnamespace AS namespace, opcname AS name, 'pg_opclass'::regclass AS class, oid
      FROM pg_opclass
      UNION ALL
      SELECT 'operator family', opfnamespace, opfname, 'pg_opfamily'::regclass, oid FROM pg_opfamily
      UNION ALL
      SELECT 'text search configuration', cfgnamespace, cfgname, 'pg_ts_config'::regclass, oid FROM pg_ts_config
      UNION ALL
      SELECT 'text search dictionary', dictnamespace, dictname, 'pg_ts_dict'::regclass, oid FROM pg_ts_dict) AS o
JOIN pg_namespace AS n ON n.oid = o.namespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
ORDER BY 1
