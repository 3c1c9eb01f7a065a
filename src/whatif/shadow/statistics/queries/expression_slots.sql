-- What ANALYZE found for the expressions of the object $1, over the children's rows too with $2: each is a row of
-- pg_statistic that is about no column. $3 says of which something is known; the slots are as in insert_slots.
-- Sent to the private server only, as superuser. Versions: 14 to 18; stxdinherit came with 15: before, the name means the
-- false of "absent" (an outer query level).
UPDATE pg_catalog.pg_statistic_ext_data
SET stxdexpr = (
    SELECT array_agg(CASE WHEN g.is_known::bool THEN
               ROW(0, 0, false, g.null_fraction::float4, g.width, g.n_distinct::float4,
                   s.kind[1], s.kind[2], s.kind[3], s.kind[4], s.kind[5],
                   s.operator[1], s.operator[2], s.operator[3], s.operator[4], s.operator[5],
                   s.collation[1], s.collation[2], s.collation[3], s.collation[4], s.collation[5],
                   g.numbers1::float4[], g.numbers2::float4[], g.numbers3::float4[], g.numbers4::float4[],
                   g.numbers5::float4[],
                   pg_catalog.array_in(g.values1::cstring, s.type[1], -1),
                   pg_catalog.array_in(g.values2::cstring, s.type[2], -1),
                   pg_catalog.array_in(g.values3::cstring, s.type[3], -1),
                   pg_catalog.array_in(g.values4::cstring, s.type[4], -1),
                   pg_catalog.array_in(g.values5::cstring, s.type[5], -1))::pg_catalog.pg_statistic END
               ORDER BY g.position)
    FROM unnest($3::text[], $4::float8[], $5::int4[], $6::float8[], $7::text[], $8::text[], $9::text[], $10::text[],
                $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
                $19::text[], $20::text[])
         WITH ORDINALITY
         AS g (is_known, null_fraction, width, n_distinct, kinds, operators, collations, types,
               numbers1, numbers2, numbers3, numbers4, numbers5, values1, values2, values3, values4, values5, position)
    CROSS JOIN LATERAL (SELECT g.kinds::int2[] AS kind, g.operators::oid[] AS operator, g.collations::oid[] AS collation,
                               g.types::oid[] AS type OFFSET 0) AS s)
WHERE ctid = (SELECT d.ctid
              FROM (SELECT false AS stxdinherit) AS absent,
                   LATERAL (SELECT ctid, stxdinherit AS is_inherited
                            FROM pg_catalog.pg_statistic_ext_data WHERE stxoid = $1) AS d
              WHERE d.is_inherited = $2::bool)
