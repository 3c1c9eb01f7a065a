-- Which server this is: its version, and the port by which it sees us (another one than ours behind a pooler).
SELECT /* pgadvise:server_identity */ pg_catalog.version() AS version,
       pg_catalog.current_setting('server_version_num')::int4 AS version_number,
       pg_catalog.inet_client_port() AS client_port
