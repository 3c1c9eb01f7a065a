-- What ANALYZE found for the CREATE STATISTICS objects of the relations $1: combinations in text, and the images that
-- another server can be given. The lists of most common combinations, which hold values, of the relations $2 only.
-- Rights: SELECT on pg_statistic_ext_data (superusers, pg_read_all_data). Locks: none. Versions: 13 to 18; from 15 on
-- an object can have two rows, the one over the children (stxdinherit) last; before, the name means the false of
-- "absent" (an outer query level).
SELECT /* pgadvise:extended_data */
       s.oid,
       d.is_inherited,
       d.stxdndistinct::text AS combinations,
       encode(d.stxdndistinct::bytea, 'hex') AS n_distinct,
       encode(d.stxddependencies::bytea, 'hex') AS dependencies,
       CASE WHEN s.stxrelid = ANY ($2::oid[]) THEN encode(d.stxdmcv::bytea, 'hex') END AS most_common_values
FROM pg_statistic_ext AS s,
     (SELECT false AS stxdinherit) AS absent,
     LATERAL (SELECT stxdndistinct, stxddependencies, stxdmcv, stxdinherit AS is_inherited
              FROM pg_statistic_ext_data WHERE stxoid = s.oid) AS d
WHERE s.stxrelid = ANY ($1::oid[])
ORDER BY s.oid, d.is_inherited
