-- The labels of the enum types $1.
-- Sent to the private server only. Versions: 13 to 18.
SELECT e.enumtypid AS enum, e.enumlabel::text AS label, e.oid
FROM pg_catalog.pg_enum AS e
WHERE e.enumtypid = ANY ($1::oid[])
