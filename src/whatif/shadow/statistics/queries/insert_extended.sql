-- What ANALYZE found for the object $1, over the children's rows too with $2.
-- Sent to the private server only, as superuser. Versions: 15 to 18.
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdmcv)
VALUES ($1, $2, decode($3, 'hex')::pg_catalog.pg_ndistinct, decode($4, 'hex')::pg_catalog.pg_dependencies,
        decode($5, 'hex')::pg_catalog.pg_mcv_list)
