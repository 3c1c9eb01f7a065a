-- What tells this server from other nodes of its replication, since when it counts, and whether standbys are there.
-- Backups (state 'backup') and subscribers (the process of a logical slot) are no standbys. Without
-- pg_read_all_stats the state is hidden, and a running backup counts as a standby.
-- Rights: none beyond CONNECT. Locks: none. Versions: 13 to 18.
SELECT /* pgadvise:node */
       (SELECT c.system_identifier::text FROM pg_control_system() AS c) AS system_identifier,
       (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()) AS database_oid,
       (extract(epoch FROM (SELECT b.stats_reset FROM pg_stat_bgwriter AS b)) * 1000000)::int8 AS counted_since,
       (SELECT count(*) FROM pg_stat_replication AS r
        WHERE r.state IS DISTINCT FROM 'backup'
          AND NOT EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))
           AS n_standbys,
       (SELECT count(*) FROM pg_replication_slots AS s WHERE s.slot_type = 'physical' AND NOT s.active)
           AS n_idle_slots
