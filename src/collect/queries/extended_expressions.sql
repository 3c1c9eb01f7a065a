-- What ANALYZE found for the expressions of the CREATE STATISTICS objects of the relations $1, in the form of pg_stats:
-- each expression is a row of pg_statistic, NULL where nothing was found. Values of the relations $2 only; counts and
-- fractions of all.
-- Rights: SELECT on pg_statistic_ext_data (superusers, pg_read_all_data). Locks: none. Versions: 14 to 18; from 15 on an
-- object can have rows over the children too (stxdinherit); before, the name means the false of "absent" (an outer
-- query level).
SELECT /* pgadvise:extended_expressions */
       d.stxoid AS oid,
       d.is_inherited,
       e.ordinality::int4 AS position,
       e.stanullfrac IS NOT NULL AS is_known,
       e.stanullfrac AS null_fraction,
       e.stawidth AS average_width,
       e.stadistinct AS n_distinct,
       s.*
FROM (SELECT false AS stxdinherit) AS absent,
     LATERAL (SELECT o.stxrelid = ANY ($2::oid[]) AS has_values, stxoid, stxdexpr, stxdinherit AS is_inherited
              FROM pg_statistic_ext_data
              JOIN pg_statistic_ext AS o ON o.oid = stxoid
              WHERE o.stxrelid = ANY ($1::oid[])) AS d
CROSS JOIN LATERAL unnest(d.stxdexpr) WITH ORDINALITY AS e
CROSS JOIN LATERAL (
    SELECT max(k.data) FILTER (WHERE k.kind = 1 AND d.has_values) AS most_common_values,
           max(k.numbers) FILTER (WHERE k.kind = 1 AND d.has_values) AS most_common_frequencies,
           max(k.data) FILTER (WHERE k.kind = 2 AND d.has_values) AS histogram_bounds,
           max(k.numbers[1]) FILTER (WHERE k.kind = 3) AS correlation,
           max(k.data) FILTER (WHERE k.kind = 4 AND d.has_values) AS most_common_elements,
           max(k.numbers) FILTER (WHERE k.kind = 4 AND d.has_values) AS most_common_element_frequencies,
           max(k.numbers) FILTER (WHERE k.kind = 5 AND d.has_values) AS element_count_histogram,
           max(k.data) FILTER (WHERE k.kind = 6 AND d.has_values) AS range_length_histogram,
           max(k.numbers[1]) FILTER (WHERE k.kind = 6) AS range_empty_fraction,
           max(k.data) FILTER (WHERE k.kind = 7 AND d.has_values) AS range_bounds_histogram
    FROM (VALUES (e.stakind1, e.stanumbers1, e.stavalues1::text), (e.stakind2, e.stanumbers2, e.stavalues2::text),
                 (e.stakind3, e.stanumbers3, e.stavalues3::text), (e.stakind4, e.stanumbers4, e.stavalues4::text),
                 (e.stakind5, e.stanumbers5, e.stavalues5::text)) AS k (kind, numbers, data)
) AS s
