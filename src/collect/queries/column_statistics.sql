-- Planner statistics of the columns of the relations (and expression indexes) called $2 in the schemas $1. Both lists
-- may name more than was asked for; the reader keeps what it knows. Without $3, no values: counts and fractions only.
-- Rights: SELECT on the column; shows nothing of relations whose row security binds the role. Locks: none.
-- Versions: 13 to 18. anyarray values are sent as text, which every type has. The view shows what it knows of ranges
-- from 17 on: before, the names mean the NULLs of "absent" (an outer query level), and range_statistics reads it.
SELECT /* pgadvise:column_statistics */
       s.schemaname::text AS schema,
       s.tablename::text AS relation,
       s.attname::text AS name,
       s.inherited AS is_inherited,
       s.null_frac AS null_fraction,
       s.avg_width AS average_width,
       s.n_distinct,
       s.correlation,
       CASE WHEN $3::bool THEN s.most_common_vals::text END AS most_common_values,
       CASE WHEN $3::bool THEN s.most_common_freqs END AS most_common_frequencies,
       CASE WHEN $3::bool THEN s.histogram_bounds::text END AS histogram_bounds,
       CASE WHEN $3::bool THEN s.most_common_elems::text END AS most_common_elements,
       CASE WHEN $3::bool THEN s.most_common_elem_freqs END AS most_common_element_frequencies,
       CASE WHEN $3::bool THEN s.elem_count_histogram END AS element_count_histogram,
       CASE WHEN $3::bool THEN s.length_histogram END AS range_length_histogram,
       s.empty_fraction AS range_empty_fraction,
       CASE WHEN $3::bool THEN s.bounds_histogram END AS range_bounds_histogram
FROM (SELECT NULL::text AS range_length_histogram, NULL::float4 AS range_empty_frac, NULL::text AS range_bounds_histogram)
     AS absent,
     LATERAL (SELECT schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, correlation,
                     most_common_vals, most_common_freqs, histogram_bounds, most_common_elems, most_common_elem_freqs,
                     elem_count_histogram, range_length_histogram::text AS length_histogram,
                     range_empty_frac AS empty_fraction, range_bounds_histogram::text AS bounds_histogram
              FROM pg_stats
              WHERE schemaname = ANY ($1::name[]) AND tablename = ANY ($2::name[])) AS s
