-- Whether the values $1 are an array of elements of type $2 here: an error if not.
-- Sent to the private server only. Versions: 13 to 18.
SELECT pg_catalog.array_in($1::text::cstring, $2, -1) IS NOT NULL AS is_array
