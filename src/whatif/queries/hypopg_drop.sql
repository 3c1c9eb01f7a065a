-- Forgets the hypothetical indexes of $1 (oids that HypoPG gave them). {schema} is HypoPG's.
-- Rights: as for creating them. Locks: none. Versions: HypoPG 1.1 and later.
SELECT /* pgadvise:hypopg_drop */ count({schema}.hypopg_drop_index(dropped.oid)) AS n_dropped
FROM unnest($1) AS dropped(oid)
