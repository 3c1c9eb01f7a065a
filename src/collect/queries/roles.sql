-- The roles that own relations, that policies name, and those named in $1 (of statements), with those that they are
-- members of.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18; memberships say for themselves whether they inherit from
-- 16 on: before, inherit_option means the NULL of "absent" (an outer query level).
WITH RECURSIVE /* pgadvise:roles */
reached (oid) AS (
    SELECT named.oid
    FROM (SELECT c.relowner AS oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          UNION
          SELECT unnest(p.polroles) FROM pg_policy AS p
          UNION
          SELECT r.oid FROM pg_roles AS r WHERE r.rolname = ANY ($1::text[])) AS named
    UNION
    SELECT m.roleid FROM reached JOIN pg_auth_members AS m ON m.member = reached.oid
)
SELECT r.rolname::text AS name,
       r.rolsuper AS is_superuser,
       r.rolbypassrls AS bypasses_row_security,
       ARRAY(SELECT of.rolname::text FROM pg_auth_members AS m JOIN pg_roles AS of ON of.oid = m.roleid
             WHERE m.member = r.oid GROUP BY of.rolname ORDER BY of.rolname) AS member_of,
       ARRAY(SELECT bool_or(coalesce(m.inherits, r.rolinherit))
             FROM (SELECT NULL::bool AS inherit_option) AS absent,
                  LATERAL (SELECT member, roleid, inherit_option AS inherits FROM pg_auth_members) AS m
             JOIN pg_roles AS of ON of.oid = m.roleid
             WHERE m.member = r.oid GROUP BY of.rolname ORDER BY of.rolname) AS inherits
FROM reached
JOIN pg_roles AS r ON r.oid = reached.oid
ORDER BY r.rolname
