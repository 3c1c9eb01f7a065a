-- The types that the server inferred for the parameters of a statement prepared a moment ago, in this transaction.
SELECT /* pgadvise:parameter_types */ parameter_types::text[] AS types FROM pg_catalog.pg_prepared_statements WHERE name = $1
