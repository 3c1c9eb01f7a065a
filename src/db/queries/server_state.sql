-- What the server is, for target_session_attrs: asked once after login and only if it is set.
SELECT /* pgadvise:server_state */ pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.current_setting('transaction_read_only')::bool AS is_read_only
