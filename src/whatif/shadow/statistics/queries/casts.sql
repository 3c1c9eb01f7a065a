-- Lets a superuser write extended statistics, whose input functions refuse every text: their bytes are what they are.
-- Sent to the private server only. Versions: 13 to 18.
CREATE CAST (bytea AS pg_catalog.pg_ndistinct) WITHOUT FUNCTION;
CREATE CAST (bytea AS pg_catalog.pg_dependencies) WITHOUT FUNCTION;
CREATE CAST (bytea AS pg_catalog.pg_mcv_list) WITHOUT FUNCTION
