-- Hides the indexes $1 from the planner, until a transaction shows them for itself.
-- Sent to the private server only. Versions: 13 to 18.
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = ANY ($1)
