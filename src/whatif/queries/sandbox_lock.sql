-- Keeps two runs from building in the same sandbox. Released when the session ends.
-- Rights: none beyond CONNECT. Locks: one advisory lock. Versions: 13 to 18.
SELECT /* pgadvise:sandbox_lock */ pg_try_advisory_lock(hashtext('pgadvise sandbox'), 0) AS is_ours
