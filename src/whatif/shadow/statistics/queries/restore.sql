-- Column statistics by the server's own import, which takes the texts of pg_stats as they are. The rows of which it could not
-- take everything.
-- Sent to the private server only. Versions: 18.
SELECT g.position
FROM unnest($1::int4[], $2::text[], $3::text[], $4::int2[], $5::text[], $6::float8[], $7::int4[], $8::float8[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
            $18::text[])
     AS g (position, schema, relation, number, is_inherited, null_fraction, width, n_distinct, most_common_values,
           most_common_frequencies, histogram_bounds, correlation, most_common_elements,
           most_common_element_frequencies, element_count_histogram, range_length_histogram, range_empty_fraction,
           range_bounds_histogram)
WHERE NOT pg_catalog.pg_restore_attribute_stats(
    'schemaname', g.schema, 'relname', g.relation, 'attnum', g.number, 'inherited', g.is_inherited::bool,
    'null_frac', g.null_fraction::float4, 'avg_width', g.width, 'n_distinct', g.n_distinct::float4,
    'most_common_vals', g.most_common_values, 'most_common_freqs', g.most_common_frequencies::float4[],
    'histogram_bounds', g.histogram_bounds, 'correlation', g.correlation::float4,
    'most_common_elems', g.most_common_elements,
    'most_common_elem_freqs', g.most_common_element_frequencies::float4[],
    'elem_count_histogram', g.element_count_histogram::float4[],
    'range_length_histogram', g.range_length_histogram, 'range_empty_frac', g.range_empty_fraction::float4,
    'range_bounds_histogram', g.range_bounds_histogram)
