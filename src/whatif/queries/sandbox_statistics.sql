-- Whether the relation called $1 (quoted and qualified), or a partition of it, has rows and no planner statistics.
-- Rights: none beyond CONNECT. Locks: ACCESS SHARE for the moment. Versions: 13 to 18.
SELECT /* pgadvise:sandbox_statistics */
       coalesce(bool_or(c.relkind IN ('r', 'm') AND pg_relation_size(c.oid) > 0
                        AND NOT EXISTS (SELECT FROM pg_stats AS s
                                        WHERE s.schemaname = n.nspname AND s.tablename = c.relname)), false) AS is_missing
FROM (SELECT to_regclass($1)::oid UNION SELECT t.relid::oid FROM pg_partition_tree(to_regclass($1)) AS t) AS wanted(oid)
JOIN pg_class AS c ON c.oid = wanted.oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
