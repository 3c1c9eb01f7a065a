-- Planner statistics of the relations and indexes $1, which pg_stats hides: of relations whose row security binds the
-- role, and of expression indexes from a role without pg_read_all_data. Without $2, no values: counts and fractions
-- only. The columns are those of column_statistics.
-- Rights: SELECT on pg_statistic (superusers, pg_read_all_data). Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:hidden_statistics */
       n.nspname::text AS schema,
       c.relname::text AS relation,
       a.attname::text AS name,
       s.stainherit AS is_inherited,
       s.stanullfrac AS null_fraction,
       s.stawidth AS average_width,
       s.stadistinct AS n_distinct,
       max(k.numbers[1]) FILTER (WHERE k.kind = 3) AS correlation,
       max(k.data) FILTER (WHERE $2::bool AND k.kind = 1) AS most_common_values,
       max(k.numbers) FILTER (WHERE $2::bool AND k.kind = 1) AS most_common_frequencies,
       max(k.data) FILTER (WHERE $2::bool AND k.kind = 2) AS histogram_bounds,
       max(k.data) FILTER (WHERE $2::bool AND k.kind = 4) AS most_common_elements,
       max(k.numbers) FILTER (WHERE $2::bool AND k.kind = 4) AS most_common_element_frequencies,
       max(k.numbers) FILTER (WHERE $2::bool AND k.kind = 5) AS element_count_histogram,
       max(k.data) FILTER (WHERE $2::bool AND k.kind = 6) AS range_length_histogram,
       max(k.numbers[1]) FILTER (WHERE k.kind = 6) AS range_empty_fraction,
       max(k.data) FILTER (WHERE $2::bool AND k.kind = 7) AS range_bounds_histogram
FROM pg_statistic AS s
JOIN pg_class AS c ON c.oid = s.starelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = s.starelid AND a.attnum = s.staattnum AND NOT a.attisdropped
CROSS JOIN LATERAL (
    VALUES (s.stakind1, s.stanumbers1, s.stavalues1::text), (s.stakind2, s.stanumbers2, s.stavalues2::text),
           (s.stakind3, s.stanumbers3, s.stavalues3::text), (s.stakind4, s.stanumbers4, s.stavalues4::text),
           (s.stakind5, s.stanumbers5, s.stavalues5::text)
) AS k (kind, numbers, data)
WHERE s.starelid = ANY ($1::oid[])
GROUP BY n.nspname, c.relname, a.attname, s.stainherit, s.stanullfrac, s.stawidth, s.stadistinct
