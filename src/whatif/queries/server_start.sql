-- When the server was started: another time means that it broke down in between.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:server_start */ pg_postmaster_start_time()::text AS started_at
