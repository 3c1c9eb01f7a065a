-- The part of verify.sql about statistics objects: what `pgadvise verify` finds about them, in plain psql. It reads the
-- catalog. verify_sql.rs fills in the expected objects.
DO /*tag*/
DECLARE
  want record;          -- an expected statistics object
  have record;          -- one of its relation, or one that bears its name
  relation_oid oid;
  is_same boolean;      -- have does all that want would: other kinds beside do no harm
  filled text[];        -- the kinds that ANALYZE has put into have; null: this role may not see it
  contents text;        -- filled, empty, or unseen
  own text;             -- contents of the object of the name, or different
  other text;           -- contents of the best one that is the same under another name
  equivalents text;     -- those that are the same, under other names
  verdict text;
  note text;
  n_wrong integer := 0;
BEGIN
  PERFORM set_config(name, value, true) FROM (VALUES
    ('search_path', 'pg_catalog'), ('quote_all_identifiers', 'off'), ('statement_timeout', '30s'), ('lock_timeout', '5s'))
    AS pinned(name, value);
  FOR want IN SELECT * FROM (VALUES
/*expected*/
  ) AS expected(schema_name, table_name, object_name, columns, kinds)
  LOOP
    relation_oid := to_regclass(format('%I.%I', want.schema_name, want.table_name));
    own := NULL; other := NULL; note := NULL; equivalents := NULL;
    FOR have IN
      SELECT s.oid, n.nspname, s.stxname, s.stxrelid, r.nspname AS relation_schema, t.relname, t.relowner,
             ARRAY(SELECT a.attname::text FROM unnest(s.stxkeys::int2[]) AS k(attnum)
                     JOIN pg_attribute AS a ON a.attrelid = s.stxrelid AND a.attnum = k.attnum ORDER BY a.attnum) AS columns,
             ARRAY(SELECT k.kind FROM (VALUES ('d', 'ndistinct'), ('f', 'dependencies'), ('m', 'mcv'), ('e', 'expressions'))
                     AS k(code, kind) WHERE k.code = ANY (s.stxkind::text[])) AS kinds
        FROM pg_statistic_ext AS s
        JOIN pg_namespace AS n ON n.oid = s.stxnamespace
        JOIN pg_class AS t ON t.oid = s.stxrelid
        JOIN pg_namespace AS r ON r.oid = t.relnamespace
       WHERE s.stxrelid = relation_oid OR n.nspname = want.schema_name AND s.stxname = want.object_name
       ORDER BY n.nspname, s.stxname
    LOOP
      is_same := have.stxrelid IS NOT DISTINCT FROM relation_oid
                 AND have.columns @> want.columns AND have.columns <@ want.columns
                 AND have.kinds @> want.kinds AND NOT 'expressions' = ANY (have.kinds);
      IF have.nspname = want.schema_name AND have.stxname = want.object_name AND NOT is_same THEN
        own := 'different';
        note := format('have (%s) ON %s FROM %I.%I, want (%s) ON %s FROM %I.%I', array_to_string(have.kinds, ', '),
          (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.n) FROM unnest(have.columns) WITH ORDINALITY AS c(name, n)),
          have.relation_schema, have.relname, array_to_string(want.kinds, ', '),
          (SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.n) FROM unnest(want.columns) WITH ORDINALITY AS c(name, n)),
          want.schema_name, want.table_name);
      END IF;
      CONTINUE WHEN NOT is_same;
      IF has_table_privilege('pg_statistic_ext_data', 'SELECT') THEN
        SELECT ARRAY[CASE WHEN bool_or(d.stxdndistinct IS NOT NULL) THEN 'ndistinct' END,
                     CASE WHEN bool_or(d.stxddependencies IS NOT NULL) THEN 'dependencies' END,
                     CASE WHEN bool_or(d.stxdmcv IS NOT NULL) THEN 'mcv' END]
          INTO filled FROM pg_statistic_ext_data AS d WHERE d.stxoid = have.oid;
      ELSE
        -- No row: there is nothing to show, or it is not shown to this role.
        SELECT ARRAY[CASE WHEN bool_or(v.n_distinct IS NOT NULL) THEN 'ndistinct' END,
                     CASE WHEN bool_or(v.dependencies IS NOT NULL) THEN 'dependencies' END,
                     CASE WHEN bool_or(v.most_common_vals IS NOT NULL) THEN 'mcv' END]
          INTO filled FROM pg_stats_ext AS v
         WHERE v.statistics_schemaname = have.nspname AND v.statistics_name = have.stxname
        HAVING count(*) > 0 OR pg_has_role(have.relowner, 'USAGE') AND has_table_privilege(have.stxrelid, 'SELECT')
                               AND NOT row_security_active(have.stxrelid);
      END IF;
      contents := CASE WHEN filled IS NULL THEN 'unseen' WHEN filled && want.kinds THEN 'filled' ELSE 'empty' END;
      IF have.nspname = want.schema_name AND have.stxname = want.object_name THEN
        own := contents;
      ELSE
        equivalents := concat_ws(', ', equivalents, format('%I.%I', have.nspname, have.stxname));
        other := CASE WHEN other = 'filled' THEN other ELSE contents END;
      END IF;
    END LOOP;
    verdict := CASE WHEN relation_oid IS NULL THEN 'missing_relation'
                    WHEN own IN ('filled', 'unseen') THEN 'ok'
                    WHEN other IN ('filled', 'unseen') THEN 'other_name'
                    WHEN 'empty' IN (own, other) THEN 'not_analysed'
                    ELSE coalesce(own, 'missing') END;
    IF verdict = 'missing_relation' THEN
      note := NULL;
    ELSIF verdict = 'not_analysed' THEN
      note := concat_ws(', ', note, format('it is empty, run ANALYZE %I.%I', want.schema_name, want.table_name));
    ELSIF verdict = 'ok' AND own = 'unseen' OR verdict = 'other_name' AND other = 'unseen' THEN
      note := concat_ws(', ', note, 'this role may not see whether ANALYZE has filled it, the owner of the relation may');
    END IF;
    IF equivalents IS NOT NULL THEN
      note := concat_ws(', ', note, 'the same statistics: ' || equivalents);
    END IF;
    IF verdict NOT IN ('ok', 'other_name') THEN n_wrong := n_wrong + 1; END IF;
    RAISE NOTICE '%', rpad(verdict, 17) || format('%I.%I', want.schema_name, want.object_name) || coalesce('  ' || note, '');
  END LOOP;
  IF n_wrong > 0 THEN
    RAISE EXCEPTION 'pgadvise verify: % not as expected', n_wrong USING ERRCODE = 'assert_failure';
  END IF;
  RAISE NOTICE 'pgadvise verify: everything is as expected';
END /*tag*/;
