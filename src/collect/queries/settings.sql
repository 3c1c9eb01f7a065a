-- The settings named in $1 as a session without SET has them (reset_val): those of this transaction are ours.
-- Rights: none; a few settings are shown to members of pg_read_all_settings only. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:settings */
       s.name, s.reset_val AS value, s.unit, s.source
FROM pg_settings AS s
WHERE s.name = ANY ($1::text[]) AND s.reset_val IS NOT NULL
ORDER BY s.name
