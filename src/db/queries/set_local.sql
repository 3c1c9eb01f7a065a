-- SET LOCAL with name and value as parameters: undone by the ROLLBACK that follows.
SELECT /* pgadvise:set_local */ pg_catalog.set_config($1, $2, true)
