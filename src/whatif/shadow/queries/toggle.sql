-- Lets the planner's role show and hide indexes in a transaction, which only a superuser may, and nothing else: its
-- sessions run what the target's own functions say. The schema's name is one that no user can have taken.
-- Sent to the private server only. Versions: 13 to 18.
SET allow_system_table_mods = on;
CREATE SCHEMA pg_pgadvise;
GRANT USAGE ON SCHEMA pg_pgadvise TO PUBLIC;
CREATE FUNCTION pg_pgadvise.toggle(shown oid[], hidden oid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS $$
    UPDATE pg_catalog.pg_index
    SET indisvalid = (indexrelid = ANY (shown))
    WHERE indexrelid = ANY (shown || hidden)
$$;
RESET allow_system_table_mods
