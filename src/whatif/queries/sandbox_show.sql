-- Shows the indexes of $1 to the planner and hides those of $2, until the transaction is rolled back. An index that was
-- built over HOT chains would wait for older transactions (indcheckxmin); nothing is executed here, so it need not.
-- Rights: superuser. Locks: ROW EXCLUSIVE on pg_index. Versions: 13 to 18.
UPDATE /* pgadvise:sandbox_show */ pg_index AS i
SET indisvalid = (i.indexrelid = ANY ($1)), indcheckxmin = false
WHERE i.indexrelid = ANY ($1) OR i.indexrelid = ANY ($2)
