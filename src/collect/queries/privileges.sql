-- Which of the predefined roles that open the statistics the reading role holds, and whether it may use them without
-- SET ROLE (a NOINHERIT role is a member and still sees nothing).
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18 (pg_read_all_data from 14 on).
SELECT /* pgadvise:privileges */
       r.rolname::text AS role,
       pg_has_role(r.oid, 'USAGE') AS is_usable,
       pg_has_role(r.oid, 'MEMBER') AS is_member
FROM pg_roles AS r
WHERE r.rolname IN ('pg_monitor', 'pg_read_all_stats', 'pg_read_all_data', 'pg_read_all_settings')
ORDER BY r.rolname
