-- The check constraints of domains that no extension of the superuser made, quoted. Whoever owns an extension, as the
-- creator of a trusted one does, may say of any domain that it belongs to it.
-- Sent to the private server only. Versions: 13 to 18.
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS domain,
       pg_catalog.quote_ident(k.conname) AS name
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE k.contype = 'c'
  AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  JOIN pg_catalog.pg_extension AS x ON x.oid = d.refobjid AND x.extowner = 10
                  WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                    AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY k.oid
