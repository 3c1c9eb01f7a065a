-- The types outside the system schemas, but those of relations, arrays and multiranges.
-- Rights: none beyond CONNECT. Locks: none (a domain's expressions name no relation). Versions: 13 to 18; multiranges
-- came with 14: before, rngmultitypid means the 0 of "absent" (an outer query level).
SELECT /* pgadvise:data_types */
       t.oid,
       n.nspname::text AS schema,
       t.typname::text AS name,
       t.typtype::text AS kind,
       e.extname::text AS extension,
       ARRAY(SELECT l.enumlabel::text FROM pg_enum AS l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
            THEN quote_ident(tcn.nspname) || '.' || quote_ident(tco.collname) END AS collation,
       t.typnotnull AS is_not_null,
       pg_get_expr(t.typdefaultbin, 0) AS default_sql,
       ARRAY(SELECT k.conname::text FROM pg_constraint AS k
             WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS check_names,
       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
             WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS check_definitions,
       attributes.names AS attribute_names,
       attributes.types AS attribute_types,
       attributes.collations AS attribute_collations,
       format_type(r.rngsubtype, NULL) AS subtype,
       CASE WHEN NOT ro.opcdefault THEN quote_ident(ron.nspname) || '.' || quote_ident(ro.opcname) END AS subtype_opclass,
       CASE WHEN r.rngcollation <> rs.typcollation
            THEN quote_ident(rcn.nspname) || '.' || quote_ident(rco.collname) END AS subtype_collation,
       CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc::text END AS canonical,
       CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc::text END AS difference,
       mn.nspname::text AS multirange_schema,
       m.typname::text AS multirange_name,
       t.typlen AS length,
       t.typbyval AS is_by_value,
       t.typalign::text AS alignment,
       t.typstorage::text AS storage,
       t.typcategory::text AS category,
       t.typispreferred AS is_preferred,
       t.typcollation <> 0 AS is_collatable
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_class AS c ON c.oid = t.typrelid
LEFT JOIN pg_depend AS d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
                        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
LEFT JOIN pg_collation AS tco ON tco.oid = t.typcollation
LEFT JOIN pg_namespace AS tcn ON tcn.oid = tco.collnamespace
LEFT JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
                          array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types,
                          array_agg(coalesce(quote_ident(acn.nspname) || '.' || quote_ident(aco.collname), '')
                                    ORDER BY a.attnum) AS collations
                   FROM pg_attribute AS a
                   JOIN pg_type AS at ON at.oid = a.atttypid
                   LEFT JOIN pg_collation AS aco ON aco.oid = a.attcollation AND a.attcollation <> at.typcollation
                   LEFT JOIN pg_namespace AS acn ON acn.oid = aco.collnamespace
                   WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes
       ON t.typtype = 'c'
LEFT JOIN (SELECT ranges.*
           FROM (SELECT 0::oid AS rngmultitypid) AS absent,
                LATERAL (SELECT rngtypid, rngsubtype, rngcollation, rngsubopc, rngcanonical, rngsubdiff,
                                rngmultitypid AS multirange
                         FROM pg_range) AS ranges) AS r ON r.rngtypid = t.oid
LEFT JOIN pg_type AS rs ON rs.oid = r.rngsubtype
LEFT JOIN pg_opclass AS ro ON ro.oid = r.rngsubopc
LEFT JOIN pg_namespace AS ron ON ron.oid = ro.opcnamespace
LEFT JOIN pg_collation AS rco ON rco.oid = r.rngcollation
LEFT JOIN pg_namespace AS rcn ON rcn.oid = rco.collnamespace
LEFT JOIN pg_type AS m ON m.oid = r.multirange
LEFT JOIN pg_namespace AS mn ON mn.oid = m.typnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND t.typisdefined
  AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
       OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)))
ORDER BY t.oid
