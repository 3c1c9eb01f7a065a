-- The casts that no extension owns and that no multirange brought along.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18. Casts have no schema: those of the system have oids that
-- initdb gave (below 16384, FirstNormalObjectId).
SELECT /* pgadvise:casts */
       format_type(k.castsource, NULL) AS source,
       format_type(k.casttarget, NULL) AS target,
       CASE k.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT FUNCTION'
                         ELSE 'WITH FUNCTION ' || k.castfunc::regprocedure END
       || CASE k.castcontext WHEN 'i' THEN ' AS IMPLICIT' WHEN 'a' THEN ' AS ASSIGNMENT' ELSE '' END AS method
FROM pg_cast AS k
WHERE k.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_depend AS d
                  WHERE d.classid = 'pg_cast'::regclass AND d.objid = k.oid AND d.deptype IN ('e', 'i'))
ORDER BY k.oid
