-- Functions that expressions can call, one page of $2 rows by oid after $1: own ones, and those of extensions that
-- something outside the extension depends on. Bodies only where planning looks inside: SQL is inlined, what is not
-- VOLATILE is evaluated. The constructors of range types come with those. Bodies that were parsed beforehand name relations, and are read apart ("is_parsed").
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18; parsed bodies came with 14: before, prosqlbody means
-- the NULL of "absent" (an outer query level).
SELECT /* pgadvise:functions */
       p.oid,
       n.nspname::text AS schema,
       p.proname::text AS name,
       p.prokind::text AS kind,
       pg_get_function_identity_arguments(p.oid) AS identity_arguments,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result,
       e.extname::text AS extension,
       l.lanname::text AS language,
       p.provolatile::text AS volatility,
       p.proisstrict AS is_strict,
       p.proleakproof AS is_leakproof,
       p.proparallel::text AS parallel,
       p.procost::float8 AS cost,
       p.prorows::float8 AS n_rows,
       EXISTS (SELECT FROM pg_type AS t
               LEFT JOIN pg_type AS element ON element.oid = t.typelem
               JOIN pg_class AS c ON c.oid = coalesce(nullif(t.typrelid, 0), element.typrelid)
               WHERE t.oid = ANY (p.proargtypes::oid[] || p.proallargtypes || p.prorettype) AND c.relkind <> 'c')
           AS takes_rows,
       e.oid IS NULL AND p.is_parsed AND p.prokind = 'f' AS is_parsed,
       CASE WHEN e.oid IS NULL AND NOT p.is_parsed AND p.prokind = 'f' AND (l.lanname = 'sql' OR p.provolatile <> 'v')
            THEN pg_get_functiondef(p.oid)
            WHEN e.oid IS NULL AND p.prokind = 'a'
            THEN (SELECT concat_ws(', ',
                      'SFUNC = ' || a.aggtransfn::regproc,
                      'STYPE = ' || format_type(a.aggtranstype, NULL),
                      'SSPACE = ' || nullif(a.aggtransspace, 0),
                      'FINALFUNC = ' || nullif(a.aggfinalfn, 0::oid)::regproc,
                      CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                      'FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'
                                                                     ELSE 'READ_WRITE' END,
                      'COMBINEFUNC = ' || nullif(a.aggcombinefn, 0::oid)::regproc,
                      'SERIALFUNC = ' || nullif(a.aggserialfn, 0::oid)::regproc,
                      'DESERIALFUNC = ' || nullif(a.aggdeserialfn, 0::oid)::regproc,
                      'INITCOND = ' || quote_literal(a.agginitval),
                      'MSFUNC = ' || nullif(a.aggmtransfn, 0::oid)::regproc,
                      'MINVFUNC = ' || nullif(a.aggminvtransfn, 0::oid)::regproc,
                      'MSTYPE = ' || format_type(nullif(a.aggmtranstype, 0::oid), NULL),
                      'MSSPACE = ' || nullif(a.aggmtransspace, 0),
                      'MFINALFUNC = ' || nullif(a.aggmfinalfn, 0::oid)::regproc,
                      CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
                      CASE WHEN a.aggmfinalfn <> 0 THEN
                      'MFINALFUNC_MODIFY = ' || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY'
                                                         WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
                      'MINITCOND = ' || quote_literal(a.aggminitval),
                      (SELECT 'SORTOP = OPERATOR(' || quote_ident(son.nspname) || '.' || so.oprname || ')'
                       FROM pg_operator AS so JOIN pg_namespace AS son ON son.oid = so.oprnamespace
                       WHERE so.oid = a.aggsortop),
                      'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED'
                                                          ELSE 'UNSAFE' END,
                      CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END)
                  FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid)
       END AS definition
FROM (SELECT NULL::pg_node_tree AS prosqlbody) AS absent,
     LATERAL (SELECT oid, proname, pronamespace, prokind, prolang, provolatile, proisstrict, proleakproof, proparallel,
                     procost, prorows, prorettype, proargtypes, proallargtypes, prosqlbody IS NOT NULL AS is_parsed
              FROM pg_proc
              WHERE oid > $1::oid) AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
LEFT JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND p.prokind IN ('f', 'a', 'w')
  AND NOT p.prorettype = ANY ('{trigger,event_trigger,internal,language_handler,index_am_handler,table_am_handler,fdw_handler,tsm_handler}'::regtype[])
  AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
  AND NOT EXISTS (SELECT FROM pg_depend AS part
                  WHERE part.classid = 'pg_proc'::regclass AND part.objid = p.oid AND part.deptype = 'i')
  AND (e.oid IS NULL
       OR EXISTS (SELECT FROM pg_depend AS used
                  WHERE used.refclassid = 'pg_proc'::regclass AND used.refobjid = p.oid
                    AND used.classid IN ('pg_attrdef'::regclass, 'pg_rewrite'::regclass, 'pg_constraint'::regclass,
                                         'pg_class'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass,
                                         'pg_statistic_ext'::regclass)
                    AND NOT EXISTS (SELECT FROM pg_depend AS member
                                    WHERE member.classid = used.classid AND member.objid = used.objid
                                      AND member.deptype = 'e')))
ORDER BY p.oid
LIMIT $2::int8
