-- One JSON document that deserialises as pgadvise's Snapshot: what the what-if tests need of a database.
WITH statistics AS (
    SELECT s.schemaname, s.tablename, s.attname, s.inherited, jsonb_build_object(
        'null_fraction', s.null_frac, 'average_width', s.avg_width, 'n_distinct', s.n_distinct,
        'most_common_values', coalesce(s.most_common_vals::text::text[], '{}'),
        'most_common_frequencies', coalesce(s.most_common_freqs, '{}'),
        'histogram_bounds', coalesce(s.histogram_bounds::text::text[], '{}'), 'correlation', s.correlation,
        'most_common_elements', '[]'::jsonb, 'most_common_element_frequencies', '[]'::jsonb) AS row
    FROM pg_stats s
), columns AS (
    SELECT a.attrelid, jsonb_agg(jsonb_build_object(
        'number', a.attnum, 'name', a.attname, 'type_sql', format_type(a.atttypid, a.atttypmod),
        'base_type', jsonb_build_object('schema', 'pg_catalog', 'name', t.typname, 'category', t.typcategory, 'length', t.typlen),
        'is_not_null', a.attnotnull, 'is_generated', false, 'collation', NULL, 'collation_is_c', false,
        'has_btree_opclass', true,
        'statistics', (SELECT s.row FROM statistics s WHERE (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname) AND NOT s.inherited),
        'inherited_statistics', (SELECT s.row FROM statistics s WHERE (s.schemaname, s.tablename, s.attname) = (n.nspname, c.relname, a.attname) AND s.inherited)
        ) ORDER BY a.attnum) AS list
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
), indexes AS (
    SELECT i.indrelid, jsonb_agg(jsonb_build_object(
        'oid', i.indexrelid::bigint, 'name', c.relname, 'definition', jsonb_build_object(
            'access_method', am.amname, 'is_unique', i.indisunique,
            'key_columns', (SELECT jsonb_agg(jsonb_build_object('target',
                CASE WHEN k.attnum <> 0 THEN jsonb_build_object('column', a.attname)
                     ELSE jsonb_build_object('expression', pg_get_indexdef(i.indexrelid, k.n::int, true)) END,
                'descending', i.indoption[k.n - 1] & 1 = 1, 'nulls_first', i.indoption[k.n - 1] & 2 = 2,
                'opclass', (SELECT o.opcname FROM pg_opclass o WHERE o.oid = i.indclass[k.n - 1] AND NOT o.opcdefault)) ORDER BY k.n)
                FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) LEFT JOIN pg_attribute a ON (a.attrelid, a.attnum) = (i.indrelid, k.attnum)
                WHERE k.n <= i.indnkeyatts),
            'included_columns', coalesce((SELECT jsonb_agg(a.attname ORDER BY k.n)
                FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) JOIN pg_attribute a ON (a.attrelid, a.attnum) = (i.indrelid, k.attnum)
                WHERE k.n > i.indnkeyatts), '[]'),
            'predicate', pg_get_expr(i.indpred, i.indrelid, true)),
        'is_valid', i.indisvalid, 'is_ready', i.indisready, 'is_live', i.indislive, 'is_primary', i.indisprimary,
        'is_exclusion', i.indisexclusion, 'is_replica_identity', i.indisreplident, 'is_clustered', i.indisclustered,
        'constraint', NULL, 'parent', NULL, 'options', '[]'::jsonb, 'n_pages', greatest(c.relpages, 0), 'n_rows', c.reltuples,
        'usage', NULL, 'expression_statistics', '[]'::jsonb, 'is_being_built', false) ORDER BY c.relname) AS list
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam GROUP BY i.indrelid
), extended AS (
    SELECT x.tablename, x.schemaname, jsonb_agg(jsonb_build_object(
        'schema', x.statistics_schemaname, 'name', x.statistics_name, 'columns', x.attnames, 'expressions', '[]'::jsonb,
        'kinds', x.kinds, 'n_distinct', coalesce((
            SELECT jsonb_agg(jsonb_build_array((
                SELECT jsonb_agg(a.attname) FROM unnest(string_to_array(d.key, ', ')) u(n)
                JOIN pg_attribute a ON a.attrelid = format('%I.%I', x.schemaname, x.tablename)::regclass AND a.attnum = u.n::int), d.value::float8))
            FROM json_each_text(x.n_distinct::text::json) d), '[]'))) AS list
    FROM pg_stats_ext x GROUP BY 1, 2
), relations AS (
    SELECT jsonb_agg(jsonb_build_object(
        'oid', c.oid::bigint, 'name', jsonb_build_object('schema', n.nspname, 'name', c.relname),
        'kind', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned_table' WHEN 'v' THEN 'view' ELSE 'materialized_view' END,
        'persistence', 'permanent', 'owner', 'postgres', 'extension', NULL, 'is_partition', c.relispartition,
        'parent', (SELECT h.inhparent::bigint FROM pg_inherits h WHERE h.inhrelid = c.oid), 'partition_key', NULL,
        'has_row_security', c.relrowsecurity, 'can_select', true, 'options', '[]'::jsonb, 'n_pages', greatest(c.relpages, 0),
        'n_rows', nullif(c.reltuples, -1), 'n_all_visible_pages', c.relallvisible,
        'columns', coalesce(k.list, '[]'), 'indexes', coalesce(i.list, '[]'), 'constraints', '[]'::jsonb,
        'extended_statistics', coalesce(e.list, '[]'), 'activity', NULL,
        'view_definition', CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END) ORDER BY n.nspname, c.relname) AS list
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN columns k ON k.attrelid = c.oid LEFT JOIN indexes i ON i.indrelid = c.oid
    LEFT JOIN extended e ON (e.schemaname, e.tablename) = (n.nspname, c.relname)
    WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
)
SELECT jsonb_build_object('format_version', 1, 'taken_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'server', jsonb_build_object('version', current_setting('server_version_num')::int, 'version_text', version(),
        'database', current_database(), 'role', current_user, 'role_is_superuser', true, 'is_in_recovery', pg_is_in_recovery(),
        'started_at', NULL, 'stats_reset', NULL, 'encoding', 'UTF8', 'collate', 'C', 'block_bytes', 8192,
        'search_path', current_schemas(false),
        'extensions', coalesce((SELECT jsonb_agg(jsonb_build_object('name', extname, 'schema', n.nspname, 'version', extversion))
            FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace), '[]'),
        'available_extensions', (SELECT jsonb_agg(name ORDER BY name) FROM pg_available_extensions)),
    'settings', '[]'::jsonb, 'setting_overrides', '[]'::jsonb, 'relations', coalesce(relations.list, '[]'), 'statements', NULL,
    'gaps', '[]'::jsonb) FROM relations
