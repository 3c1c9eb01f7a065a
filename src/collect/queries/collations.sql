-- The collations outside the system schema, and those in it that a column or an index uses.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18; the locale of ICU has a column of its own from 15 on
-- (colliculocale, colllocale from 17 on), rules from 16 on: where pg_collation has no such column, the name means the
-- NULL of "absent" (an outer query level).
SELECT /* pgadvise:collations */
       n.nspname::text AS schema,
       co.collname::text AS name,
       co.collprovider::text AS provider,
       co.collisdeterministic AS is_deterministic,
       coalesce(co.locale, co.collcollate) AS locale,
       co.collctype AS ctype,
       co.rules
FROM (SELECT NULL::text AS colliculocale, NULL::text AS colllocale, NULL::text AS collicurules) AS absent,
     LATERAL (SELECT oid, collname, collnamespace, collprovider, collisdeterministic, collcollate::text,
                     collctype::text, coalesce(colllocale, colliculocale) AS locale, collicurules AS rules
              FROM pg_collation) AS co
JOIN pg_namespace AS n ON n.oid = co.collnamespace
WHERE co.collname NOT IN ('default', 'C', 'POSIX')
  AND (n.nspname <> 'pg_catalog'
       OR co.oid IN (SELECT a.attcollation
                     FROM pg_attribute AS a
                     JOIN pg_class AS c ON c.oid = a.attrelid
                     JOIN pg_namespace AS s ON s.oid = c.relnamespace
                     WHERE s.nspname !~ '^pg_' AND s.nspname <> 'information_schema'))
  AND NOT EXISTS (SELECT FROM pg_depend AS d
                  WHERE d.classid = 'pg_collation'::regclass AND d.objid = co.oid AND d.deptype = 'e')
ORDER BY n.nspname, co.collname
