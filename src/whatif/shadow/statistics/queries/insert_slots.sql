-- Rows of pg_statistic. The slots of a row come as arrays: $7 kinds, $8 operators, $9 collations, $10 types of the values;
-- $11 to $15 numbers and $16 to $20 values, as the text of arrays. ANALYZE writes the same rows.
-- Sent to the private server only, as superuser. Versions: 13 to 18.
INSERT INTO pg_catalog.pg_statistic
SELECT g.relation, g.number, g.is_inherited::bool, g.null_fraction, g.width, g.n_distinct,
       s.kind[1], s.kind[2], s.kind[3], s.kind[4], s.kind[5],
       s.operator[1], s.operator[2], s.operator[3], s.operator[4], s.operator[5],
       s.collation[1], s.collation[2], s.collation[3], s.collation[4], s.collation[5],
       g.numbers1::float4[], g.numbers2::float4[], g.numbers3::float4[], g.numbers4::float4[], g.numbers5::float4[],
       pg_catalog.array_in(g.values1::cstring, s.type[1], -1),
       pg_catalog.array_in(g.values2::cstring, s.type[2], -1),
       pg_catalog.array_in(g.values3::cstring, s.type[3], -1),
       pg_catalog.array_in(g.values4::cstring, s.type[4], -1),
       pg_catalog.array_in(g.values5::cstring, s.type[5], -1)
FROM unnest($1::oid[], $2::int2[], $3::text[], $4::float8[], $5::int4[], $6::float8[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
            $18::text[], $19::text[], $20::text[])
     AS g (relation, number, is_inherited, null_fraction, width, n_distinct, kinds, operators, collations, types,
           numbers1, numbers2, numbers3, numbers4, numbers5, values1, values2, values3, values4, values5)
CROSS JOIN LATERAL (SELECT g.kinds::int2[] AS kind, g.operators::oid[] AS operator, g.collations::oid[] AS collation,
                           g.types::oid[] AS type OFFSET 0) AS s
