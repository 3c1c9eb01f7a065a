-- The server, the database and the role, as one row.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
-- datlocprovider came with 15, its locale as daticulocale with 15 and as datlocale with 17, so they are looked up by name: where pg_database has no such column, the name means
-- the one of "absent" (an outer query level), and databases have libc's collations only. Builtin collations (17) compare
-- bytes whatever their locale.
SELECT /* pgadvise:server */
       current_setting('server_version_num')::int4 AS version_number,
       version() AS version_text,
       d.datname::text AS database,
       current_user::text AS role,
       (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) AS role_is_superuser,
       pg_is_in_recovery() AS is_in_recovery,
       (extract(epoch FROM now()) * 1000000)::int8 AS taken_at,
       (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8 AS started_at,
       (extract(epoch FROM (SELECT s.stats_reset FROM pg_stat_database AS s WHERE s.datid = d.oid)) * 1000000)::int8
           AS stats_reset,
       current_setting('server_encoding') AS encoding,
       d.datcollate::text AS collate,
       d.datctype::text AS ctype,
       d.provider::text AS locale_provider,
       d.locale AS icu_locale,
       CASE d.provider WHEN 'b' THEN true WHEN 'c' THEN d.datcollate IN ('C', 'POSIX') ELSE false END
           AS collation_is_c,
       current_setting('block_size')::int8 AS block_bytes,
       (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'search_path') AS search_path,
       has_table_privilege('pg_statistic_ext_data', 'SELECT') AS can_read_extended_data,
       has_table_privilege('pg_statistic', 'SELECT') AS can_read_statistic
FROM (SELECT 'c'::"char" AS datlocprovider, NULL::text AS daticulocale, NULL::text AS datlocale) AS absent,
     LATERAL (SELECT oid, datname, datcollate, datctype, datlocprovider AS provider,
                     coalesce(datlocale, daticulocale) AS locale
              FROM pg_database
              WHERE datname = current_database()) AS d
