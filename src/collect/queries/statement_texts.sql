-- The texts of the statements $1 of this database. {schema} is the extension's. A text longer than $2 bytes is NULL
-- with its length said; a text that the server has lost is NULL with a NULL length.
-- Rights: of other roles' statements, the text is hidden without pg_read_all_stats. Locks: none on relations.
-- Versions: as statement_counters. Fails as a whole (SQLSTATE 22021) when any text of the cluster, of whatever
-- database, is not valid in this database's encoding.
SELECT /* pgadvise:statement_texts */
       s.queryid, s.userid, s.is_top_level,
       CASE WHEN octet_length(s.query) <= $2::int8 THEN s.query END AS text,
       octet_length(s.query) AS n_bytes
FROM (SELECT NULL::bool AS toplevel) AS absent,
     LATERAL (SELECT queryid, userid, dbid, query, coalesce(toplevel, true) AS is_top_level
              FROM {schema}.pg_stat_statements(true)) AS s
WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND s.queryid = ANY ($1::int8[])
