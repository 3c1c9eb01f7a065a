-- Which database of which cluster this is, and what the role may do there.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:database_identity */
       s.system_identifier::text AS system_identifier,
       d.oid AS database,
       pg_is_in_recovery() AS is_in_recovery,
       coalesce((SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user), false) AS is_superuser
FROM pg_control_system() AS s, pg_database AS d
WHERE d.datname = current_database()
