-- What ANALYZE found for the object $1; $2 makes no difference: CREATE STATISTICS has made its only row.
-- Sent to the private server only, as superuser. Versions: 13 and 14.
UPDATE pg_catalog.pg_statistic_ext_data
SET stxdndistinct = decode($3, 'hex')::pg_catalog.pg_ndistinct,
    stxddependencies = decode($4, 'hex')::pg_catalog.pg_dependencies,
    stxdmcv = decode($5, 'hex')::pg_catalog.pg_mcv_list
WHERE stxoid = $1 AND NOT $2::bool
