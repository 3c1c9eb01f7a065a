-- Is each index of this folder there, valid and as it was meant?
-- run       psql -X -f verify.sql   (any role, also on a replica, it changes nothing)
-- exit code 0 everything is as expected, 3 something is not or is still being built
-- see also  pgadvise verify, which also checks that the statements use the indexes
\set ON_ERROR_STOP on
\set VERBOSITY terse
DO $pgadvise$
DECLARE
  want record;          -- an expected index
  have record;          -- an index of its relation
  build record;         -- a build that runs on its relation
  relation_oid oid;
  own_oid oid;          -- the index of its relation that bears its name
  lacking text;         -- of a partitioned index that is invalid, the partitions without a valid part of it
  is_same boolean;      -- have is what want says; null: it could not be compared
  equivalents text;     -- valid indexes that are the same, under other names
  expression text;
  verdict text;
  note text;
  plan_wanted json;
  plan_found json;
  n_wrong integer := 0;
  n_open integer := 0;
BEGIN
  -- Everything that changes how the server prints definitions; a naive setting would make equal ones differ.
  PERFORM set_config(name, value, true) FROM (VALUES
    ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('extra_float_digits', '1'),
    ('quote_all_identifiers', 'off'), ('bytea_output', 'hex'), ('statement_timeout', '30s'), ('lock_timeout', '5s'),
    ('enable_indexscan', 'off'), ('enable_indexonlyscan', 'off'), ('enable_bitmapscan', 'off'),
    ('max_parallel_workers_per_gather', '0')) AS pinned(name, value);
  FOR want IN SELECT * FROM (VALUES
    (false, 'public', 'Order', 'Order_storeId_status_createdAt_idx', false, 'USING btree ("storeId", status, "createdAt")', ARRAY[]::text[], NULL::text),
    (false, 'public', 'AuditLog', 'AuditLog_occurredAt_idx', false, 'USING btree ("occurredAt")', ARRAY[]::text[], NULL::text),
    (false, 'public', 'Order', 'Order_userId_createdAt_idx', false, 'USING btree ("userId", "createdAt")', ARRAY[]::text[], NULL::text),
    (false, 'public', 'Review', 'Review_productId_idx', false, 'USING btree ("productId")', ARRAY[]::text[], NULL::text),
    (true, 'public', 'OrderItem', 'OrderItem_orderId_idx', false, 'USING btree ("orderId")', ARRAY[]::text[], NULL::text),
    (true, 'public', 'User', 'User_phone_key', true, 'USING btree (phone)', ARRAY[]::text[], NULL::text)
  ) AS expected(is_drop, schema_name, table_name, index_name, is_unique, skeleton, expressions, predicate)
  LOOP
    PERFORM set_config('search_path', 'pg_catalog', true);
    relation_oid := to_regclass(format('%I.%I', want.schema_name, want.table_name));
    verdict := NULL; note := NULL; own_oid := NULL; equivalents := NULL; lacking := NULL;
    FOR have IN
      SELECT i.indexrelid, c.relname, c.relkind, i.indisunique, i.indisvalid AND i.indisready AND i.indislive AS is_usable,
             d.skeleton, d.expressions, d.predicate
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_class AS t ON t.oid = i.indrelid
        JOIN pg_namespace AS n ON n.oid = t.relnamespace
       CROSS JOIN LATERAL (
             SELECT ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts::integer) AS k
                           WHERE i.indkey[k - 1] = 0 ORDER BY k) AS expressions,
                    pg_get_expr(i.indpred, i.indrelid) AS predicate,
                    substr(pg_get_indexdef(i.indexrelid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I ',
                      CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname,
                      CASE WHEN c.relkind = 'I' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname))) AS body) AS b
       CROSS JOIN LATERAL (
             SELECT CASE WHEN b.predicate IS NULL THEN b.body ELSE left(b.body, -length(' WHERE ' || b.predicate)) END AS body) AS w
       CROSS JOIN LATERAL (
             SELECT CASE WHEN c.reloptions IS NULL THEN w.body ELSE regexp_replace(w.body, ' WITH \([^()]*\)$', '') END AS skeleton,
                    b.expressions, b.predicate) AS d
       WHERE i.indrelid = relation_oid
       ORDER BY c.relname COLLATE "C"
    LOOP
      -- The longest first, so that none is replaced inside another.
      FOR expression IN SELECT e FROM unnest(have.expressions) AS e ORDER BY length(e) DESC LOOP
        have.skeleton := replace(have.skeleton, expression, '<expression>');
      END LOOP;
      is_same := have.indisunique = want.is_unique AND have.skeleton = want.skeleton
                 AND (have.predicate IS NULL) = (want.predicate IS NULL);
      IF is_same AND (want.expressions <> have.expressions OR '(' || want.predicate || ')' <> have.predicate) THEN
        BEGIN
          -- The planner prints both alike if they mean the same: casts and parentheses fall away.
          PERFORM set_config('search_path', 'public', true);
          EXECUTE format('EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT %s FROM %I.%I %s',
                         (SELECT string_agg('(' || e || ')', ', ' ORDER BY n) FROM unnest(want.expressions) WITH ORDINALITY AS u(e, n)),
                         want.schema_name, want.table_name, 'WHERE (' || want.predicate || ')') INTO plan_wanted;
          EXECUTE format('EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT %s FROM %I.%I %s',
                         (SELECT string_agg('(' || e || ')', ', ' ORDER BY n) FROM unnest(have.expressions) WITH ORDINALITY AS u(e, n)),
                         want.schema_name, want.table_name, 'WHERE ' || have.predicate) INTO plan_found;
          -- Beside the plan there is the query's identifier, which differs.
          is_same := (plan_wanted -> 0 -> 'Plan')::text = (plan_found -> 0 -> 'Plan')::text;
        EXCEPTION
          WHEN insufficient_privilege THEN
            is_same := NULL;
          WHEN syntax_error_or_access_rule_violation THEN
            is_same := false;  -- it names something that is not there (any more)
        END;
        PERFORM set_config('search_path', 'pg_catalog', true);
      END IF;
      IF have.relname = want.index_name THEN
        own_oid := have.indexrelid;
        verdict := CASE WHEN want.is_drop THEN CASE WHEN is_same IS FALSE THEN 'dropped' ELSE 'not_dropped' END
                        WHEN NOT have.is_usable THEN 'invalid'
                        WHEN is_same THEN 'ok'
                        WHEN is_same IS NULL THEN 'not_comparable'
                        ELSE 'different' END;
        note := CASE verdict
                  WHEN 'not_comparable' THEN 'this role may not SELECT from the relation, so the definition could not be compared'
                  WHEN 'different' THEN format('have %s%s%s, want %s%s%s',
                    CASE WHEN have.indisunique THEN 'UNIQUE ' ELSE '' END, have.skeleton, coalesce(' WHERE ' || have.predicate, ''),
                    CASE WHEN want.is_unique THEN 'UNIQUE ' ELSE '' END, want.skeleton, coalesce(' WHERE (' || want.predicate || ')', ''))
                END;
      ELSIF is_same AND have.is_usable AND NOT want.is_drop THEN
        equivalents := concat_ws(', ', equivalents, quote_ident(have.relname));
      END IF;
    END LOOP;
    IF relation_oid IS NULL THEN
      verdict := CASE WHEN want.is_drop THEN 'dropped' ELSE 'missing_relation' END;
    ELSIF verdict IS NULL AND want.is_drop THEN
      verdict := 'dropped';
    ELSIF verdict IS NULL THEN
      SELECT format('a relation of kind "%s" has the name', c.relkind) INTO note
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       WHERE n.nspname = want.schema_name AND c.relname = want.index_name;
      verdict := CASE WHEN FOUND THEN 'name_taken' ELSE 'missing' END;
    END IF;
    IF verdict = 'invalid' THEN
      SELECT coalesce((
             SELECT string_agg(t.relid::text, ', ' ORDER BY t.relid::text) FROM pg_partition_tree(relation_oid) AS t
              WHERE t.isleaf AND NOT EXISTS (
                    SELECT FROM pg_partition_tree(own_oid) AS p JOIN pg_index AS i ON i.indexrelid = p.relid
                     WHERE i.indrelid = t.relid AND i.indisvalid)), '') INTO lacking
        FROM pg_class AS c WHERE c.oid = own_oid AND c.relkind = 'I';
    END IF;
    IF verdict IN ('invalid', 'missing') THEN
      -- A role without pg_read_all_stats sees neither the relation nor the index of another's build, but its locks.
      SELECT p.pid, p.phase, p.index_relid INTO build
        FROM pg_stat_progress_create_index AS p
       WHERE p.datname = current_database()
         AND EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = p.pid AND l.database = p.datid AND (l.relation = relation_oid
                             OR lacking IS NOT NULL AND l.relation IN (SELECT t.relid FROM pg_partition_tree(relation_oid) AS t))
                        AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') AND l.granted)
         AND CASE WHEN lacking IS NOT NULL THEN true
                  WHEN verdict = 'invalid' THEN coalesce(nullif(p.index_relid, 0), own_oid) = own_oid
                  WHEN nullif(p.index_relid, 0) IS NULL
                  THEN NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = relation_oid AND NOT i.indisvalid)
                  ELSE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p.index_relid) END
       ORDER BY p.pid LIMIT 1;
      IF FOUND THEN
        verdict := 'building';
        note := format('pid %s%s', build.pid, ', ' || build.phase);
      ELSIF verdict = 'invalid' AND EXISTS (SELECT FROM pg_index AS i WHERE i.indexrelid = own_oid AND i.indisvalid) THEN
        verdict := 'building';
        note := 'finished just now';
      ELSIF lacking IS NOT NULL THEN
        note := CASE lacking WHEN '' THEN 'its parts are not attached: ' ELSE 'a valid part of it is missing on ' || lacking || ': ' END
                || 'run its migration again, which goes on where it stopped';
      ELSIF verdict = 'invalid' THEN
        note := 'run its migration again, which drops it first';
      END IF;
    END IF;
    IF equivalents IS NOT NULL THEN
      note := concat_ws(', ', note, 'the same index: ' || equivalents);
      verdict := CASE WHEN verdict IN ('missing', 'different', 'name_taken', 'not_comparable') THEN 'other_name' ELSE verdict END;
    END IF;
    IF verdict IN ('building', 'not_comparable') THEN n_open := n_open + 1;
    ELSIF verdict NOT IN ('ok', 'other_name', 'dropped') THEN n_wrong := n_wrong + 1;
    END IF;
    RAISE NOTICE '%', rpad(verdict, 17) || format('%I.%I', want.schema_name, want.index_name) || coalesce('  ' || note, '');
  END LOOP;
  IF n_wrong > 0 THEN
    RAISE EXCEPTION 'pgadvise verify: % not as expected, % undecided', n_wrong, n_open USING ERRCODE = 'assert_failure';
  ELSIF n_open > 0 THEN
    RAISE EXCEPTION 'pgadvise verify: % undecided, try again', n_open USING ERRCODE = 'object_in_use';
  END IF;
  RAISE NOTICE 'pgadvise verify: everything is as expected';
END $pgadvise$;
