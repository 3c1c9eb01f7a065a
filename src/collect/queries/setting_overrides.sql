-- What ALTER ROLE … SET and ALTER DATABASE … SET change of the settings named in $1. Others are left on the server:
-- applications keep secrets in settings of their own.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:setting_overrides */
       r.rolname::text AS role,
       o.setdatabase <> 0 AS is_for_database,
       split_part(c.entry, '=', 1) AS name,
       substr(c.entry, position('=' IN c.entry) + 1) AS value
FROM pg_db_role_setting AS o
CROSS JOIN LATERAL unnest(o.setconfig) AS c (entry)
LEFT JOIN pg_roles AS r ON r.oid = o.setrole
WHERE o.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
  AND (o.setrole = 0 OR r.oid IS NOT NULL)
  AND lower(split_part(c.entry, '=', 1)) = ANY ($1::text[])
ORDER BY r.rolname NULLS FIRST, o.setdatabase, name
