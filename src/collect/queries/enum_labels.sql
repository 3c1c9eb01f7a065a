-- The labels of the enum types among the columns of the relations $1, domains followed down: lists of most common
-- combinations hold the oids of labels.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
WITH RECURSIVE /* pgadvise:enum_labels */
used (relation, type) AS (
    SELECT a.attrelid, a.atttypid
    FROM pg_attribute AS a
    WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT used.relation, t.typbasetype
    FROM used JOIN pg_type AS t ON t.oid = used.type
    WHERE t.typtype = 'd'
)
SELECT used.relation, e.oid, e.enumlabel::text AS label
FROM used
JOIN pg_enum AS e ON e.enumtypid = used.type
ORDER BY used.relation, e.enumtypid, e.enumsortorder
