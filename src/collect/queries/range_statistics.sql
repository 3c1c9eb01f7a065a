-- What is known of the ranges in the columns of the relations, and in the expressions of the indexes, $1 before 17: the
-- slots of the kinds 6 (lengths, and the fraction that is empty) and 7 (bounds) of pg_statistic.
-- Rights: SELECT on pg_statistic (superusers, pg_read_all_data). Locks: none. Versions: 13 to 16 (pg_stats shows them
-- from 17 on).
SELECT /* pgadvise:range_statistics */
       s.starelid AS relation,
       s.staattnum AS number,
       s.stainherit AS is_inherited,
       max(k.data) FILTER (WHERE k.kind = 6) AS range_length_histogram,
       max(k.numbers[1]) FILTER (WHERE k.kind = 6) AS range_empty_fraction,
       max(k.data) FILTER (WHERE k.kind = 7) AS range_bounds_histogram
FROM pg_statistic AS s
CROSS JOIN LATERAL (
    VALUES (s.stakind1, s.stanumbers1, s.stavalues1::text), (s.stakind2, s.stanumbers2, s.stavalues2::text),
           (s.stakind3, s.stanumbers3, s.stavalues3::text), (s.stakind4, s.stanumbers4, s.stavalues4::text),
           (s.stakind5, s.stanumbers5, s.stavalues5::text)
) AS k (kind, numbers, data)
WHERE s.starelid = ANY ($1::oid[]) AND k.kind IN (6, 7)
GROUP BY s.starelid, s.staattnum, s.stainherit
