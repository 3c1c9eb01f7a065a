-- Planner statistics of the columns of the relations (and expression indexes) called $2 in the schemas $1. Both lists
-- may name more than was asked for; the reader keeps what it knows. Without $3, no values: counts and fractions only.
-- Rights: SELECT on the column; shows nothing of relations whose row security binds the role. Locks: none.
-- Versions: 13 to 18. anyarray values are sent as text, which every type has.
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
       CASE WHEN $3::bool THEN s.most_common_elem_freqs END AS most_common_element_frequencies
FROM pg_stats AS s
WHERE s.schemaname = ANY ($1::name[]) AND s.tablename = ANY ($2::name[])
