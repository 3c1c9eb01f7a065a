-- Leaves the private database as the target is. Versions: 13 to 18.
DROP CAST (bytea AS pg_catalog.pg_ndistinct);
DROP CAST (bytea AS pg_catalog.pg_dependencies);
DROP CAST (bytea AS pg_catalog.pg_mcv_list)
