-- The kinds of statistics that ANALYZE has put into the objects $1, by the letters of pg_statistic_ext.stxkind. An object
-- that was never filled has no row (15 and newer) or one without anything in it. One may have two, the other over children.
-- Rights: SELECT on pg_statistic_ext_data (superusers, pg_read_all_data). Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:verify_statistics_data */
       d.stxoid AS oid,
       array_remove(ARRAY[CASE WHEN bool_or(d.stxdndistinct IS NOT NULL) THEN 'd' END,
                          CASE WHEN bool_or(d.stxddependencies IS NOT NULL) THEN 'f' END,
                          CASE WHEN bool_or(d.stxdmcv IS NOT NULL) THEN 'm' END], NULL) AS filled
  FROM pg_statistic_ext_data AS d
 WHERE d.stxoid = ANY ($1)
 GROUP BY d.stxoid
 ORDER BY d.stxoid
