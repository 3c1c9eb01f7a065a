-- Creates the hypothetical indexes of $1, in this session's memory only. {schema} is HypoPG's.
-- Rights: EXECUTE on HypoPG's functions, which every role has. Locks: ACCESS SHARE on the relations for the moment.
-- Versions: HypoPG 1.1 and later.
SELECT /* pgadvise:hypopg_create */
       wanted.position,
       created.indexrelid,
       {schema}.hypopg_relation_size(created.indexrelid) AS bytes
FROM unnest($1) WITH ORDINALITY AS wanted(definition, position),
     LATERAL {schema}.hypopg_create_index(wanted.definition) AS created
