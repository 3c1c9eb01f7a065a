-- The search path that the session would have had we not set it: expressions of a manifest are looked up in it.
SELECT reset_val AS search_path FROM pg_settings WHERE name = 'search_path'
