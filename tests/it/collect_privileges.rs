//! Collecting with less than all privileges, next to locks, in odd databases: everything that can be read is read, and
//! the rest is a gap that names the remedy.

use std::time::{Duration, Instant};

use pgadvise::pg::IndexTarget;
use pgadvise::snapshot::Snapshot;

use crate::support::{self, collected, column, connect, database_on, gaps, index, relation};

const SCHEMA: &str = "
    CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY, note text, CHECK (id > 0));
    CREATE INDEX orders_lower ON app.orders (lower(note)) WHERE id > 10;
    INSERT INTO app.orders SELECT g, 'n' || g % 10 FROM generate_series(1, 1000) g;
    CREATE TABLE app.guarded (id int, note text); INSERT INTO app.guarded SELECT g, 'x' FROM generate_series(1, 100) g;
    ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
    CREATE VIEW app.recent AS SELECT * FROM app.orders;
    CREATE STATISTICS app.pair (ndistinct) ON id, note FROM app.orders;
    CREATE TABLE app.parts (id int) PARTITION BY HASH ((id + 1));
    ANALYZE;";

#[test]
fn what_a_role_may_not_read_is_one_gap_with_the_grant() {
    for major in support::versions() {
        let database = database_on(support::server(major), "rights", SCHEMA);
        let role = format!("{}_reader", database.name());
        database.execute(&format!("CREATE ROLE {role} LOGIN"));
        let url = support::url_as(&database, &role);

        let snapshot = collected(&url);
        assert!(snapshot.relations.iter().filter(|relation| relation.name.schema == "app").all(|r| !r.can_select));
        let unreadable = gaps(&snapshot, "relation");
        let grant = if major >= 14 {
            format!("run GRANT pg_monitor, pg_read_all_data TO {role};")
        } else {
            format!("run GRANT USAGE ON SCHEMA app TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA app TO {role};")
        };
        assert!(unreadable.len() == 1 && unreadable[0].contains(&grant), "{major}: {unreadable:?}");
        let gap = snapshot.gaps.iter().find(|gap| gap.what == "relation").expect("a gap");
        assert_eq!(gap.id, "app.guarded, app.orders, app.parts, app.recent");
        assert!(column(relation(&snapshot, "orders"), "note").statistics.is_none());
        assert_eq!(index(&snapshot, "orders_lower").definition.predicate.as_deref(), Some("id > 10"), "{major}");

        // With the grant that the gap names, nothing is left where a role may read everything.
        database.execute(grant.trim_start_matches("run "));
        let snapshot = collected(&url);
        assert!(gaps(&snapshot, "relation").is_empty(), "{:?}", snapshot.gaps);
        assert!(relation(&snapshot, "orders").can_select);
        assert!(column(relation(&snapshot, "orders"), "note").statistics.is_some(), "{major}");
        let hidden = gaps(&snapshot, "column_statistics");
        let row_security = hidden.iter().find(|reason| reason.contains("row level security"));
        let has_all = major >= 14;
        assert_eq!(row_security.is_none(), has_all, "{major}: {hidden:?}");
        assert_eq!(column(relation(&snapshot, "guarded"), "note").statistics.is_some(), has_all, "{major}");
        let expressions = hidden.iter().any(|reason| reason.contains("expression indexes"));
        assert_eq!(expressions, !has_all, "{major}: {hidden:?}");
        assert_eq!(index(&snapshot, "orders_lower").expression_statistics[0].is_some(), has_all, "{major}");
        let n_distinct = &relation(&snapshot, "orders").extended_statistics[0].n_distinct;
        assert!(
            !n_distinct.is_empty(),
            "{major}: 13 shows it to whoever may SELECT, later versions to pg_read_all_data"
        );

        if let Some(reason) = row_security {
            let grant = format!("GRANT SELECT ON pg_statistic, pg_statistic_ext_data TO {role};");
            assert!(reason.contains(&grant), "{reason}");
            database.execute(&grant);
        }
        let snapshot = collected(&url);
        assert!(gaps(&snapshot, "column_statistics").is_empty(), "{major}: {:?}", snapshot.gaps);
        assert!(index(&snapshot, "orders_lower").expression_statistics[0].is_some(), "{major}");
        assert!(column(relation(&snapshot, "guarded"), "note").statistics.is_some(), "{major}");
        database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

#[test]
fn a_locked_relation_blocks_nothing() {
    for major in support::versions() {
        let database = database_on(support::server(major), "locked", SCHEMA);
        let holder = database.connect();
        holder.execute("BEGIN; LOCK TABLE app.orders, app.parts IN ACCESS EXCLUSIVE MODE");
        let began = Instant::now();
        let snapshot = collected(&database.url());
        assert!(began.elapsed() < Duration::from_secs(8), "{major}: {:?}", began.elapsed());
        let locked: Vec<&str> =
            snapshot.relations.iter().filter(|r| r.is_locked).map(|r| r.name.name.as_str()).collect();
        assert_eq!(locked, ["orders", "parts", "recent"], "{major}: the view reads a locked table");
        assert!(!relation(&snapshot, "orders").is_indexable());
        let names: Vec<&str> = relation(&snapshot, "orders").indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(names, ["orders_pkey"], "{major}: the other's expression is not known");
        assert!(snapshot.other_names.iter().any(|name| name.name == "orders_lower"), "its name is taken all the same");
        assert!(gaps(&snapshot, "relation")[0].contains("ACCESS EXCLUSIVE"));
        assert!(column(relation(&snapshot, "orders"), "note").statistics.is_some());
        holder.execute("ROLLBACK");
        let snapshot = collected(&database.url());
        let definition = &index(&snapshot, "orders_lower").definition;
        assert_eq!(definition.key_columns[0].target, IndexTarget::Expression("lower(note)".into()));
        assert!(gaps(&snapshot, "relation").is_empty());
    }
}

#[test]
fn a_lock_that_is_awaited_blocks_nothing_either() {
    let database = support::database("awaited", SCHEMA);
    let reader = database.connect();
    reader.execute("BEGIN; SELECT count(*) FROM app.orders");
    let url = database.url();
    let waiter = std::thread::spawn(move || {
        connect(&url).execute("BEGIN; LOCK TABLE app.orders IN ACCESS EXCLUSIVE MODE; ROLLBACK");
    });
    support::eventually(|| {
        (database.value("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted") == "1")
            .then_some(())
    });
    let began = Instant::now();
    let snapshot = collected(&database.url());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(relation(&snapshot, "orders").is_locked);
    reader.execute("ROLLBACK");
    waiter.join().expect("the lock is granted in the end");
}

#[test]
fn a_running_build_is_told_from_a_failed_one() {
    for major in support::versions() {
        let database = database_on(support::server(major), "build", SCHEMA);
        let role = format!("{}_reader", database.name());
        database.execute(&format!("CREATE ROLE {role} LOGIN"));
        let failed = database.connect().try_execute("CREATE UNIQUE INDEX CONCURRENTLY failed ON app.orders (note)");
        assert!(failed.is_err());
        let writer = database.connect();
        writer.execute("BEGIN; INSERT INTO app.guarded VALUES (1, 'y')");
        let url = database.url();
        let build =
            std::thread::spawn(move || connect(&url).execute("CREATE INDEX CONCURRENTLY building ON app.guarded (id)"));
        support::eventually(|| {
            (database.value("SELECT count(*) FROM pg_class WHERE relname = 'building'") == "1").then_some(())
        });
        for url in [database.url(), support::url_as(&database, &role)] {
            let snapshot: Snapshot = collected(&url);
            let building = index(&snapshot, "building");
            assert!(building.is_being_built && !building.is_usable(), "{major}: {url}");
            let failed = index(&snapshot, "failed");
            assert!(!failed.is_being_built && !failed.is_valid, "{major}: {url}");
        }
        writer.execute("ROLLBACK");
        build.join().expect("the index is built");
        assert!(!index(&collected(&database.url()), "building").is_being_built);
        database.execute(&format!("DROP ROLE {role}"));
    }
}

#[test]
fn an_empty_database_is_no_error() {
    for major in support::versions() {
        let database = database_on(support::server(major), "empty", "");
        let snapshot = collected(&database.url());
        assert!(snapshot.relations.is_empty() && snapshot.other_names.is_empty());
        assert!(gaps(&snapshot, "relation")[0].contains("no relations outside the system schemas"));
    }
}

#[test]
fn names_without_an_encoding_are_marked_and_not_advised_on() {
    for major in support::versions() {
        let cluster = support::server(major);
        let admin = connect(&cluster.url("postgres"));
        let name = format!("bytes_{major}_{}", std::process::id());
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"));
        let session = connect(&cluster.url(&name));
        let bad = "convert_from('\\xe9'::bytea, 'SQL_ASCII')";
        session.execute(&format!(
            "CREATE TABLE plain (a int, b text); INSERT INTO plain SELECT g, {bad} || g % 3 FROM generate_series(1, 90) g;
             DO $$ BEGIN
                 EXECUTE 'CREATE TABLE \"t' || {bad} || '\" (a int PRIMARY KEY)';
                 EXECUTE 'CREATE TABLE columns (\"c' || {bad} || '\" int)';
                 EXECUTE 'CREATE VIEW \"v' || {bad} || '\" AS SELECT 1 AS a';
             END $$; CREATE TABLE \"größe\" (a int); ANALYZE"
        ));
        let snapshot = collected(&cluster.url(&name));
        assert_eq!(snapshot.server.encoding, "SQL_ASCII");
        let indexable: Vec<&str> =
            snapshot.relations.iter().filter(|r| r.is_indexable()).map(|r| r.name.name.as_str()).collect();
        assert_eq!(indexable, ["größe", "plain"], "{major}");
        let gap = snapshot.gaps.iter().find(|gap| gap.reason.contains("not valid UTF-8")).expect("a gap");
        assert_eq!(gap.id, "public.columns, public.\"t\u{fffd}\", public.\"v\u{fffd}\"", "{major}");
        let statistics = column(relation(&snapshot, "plain"), "b").statistics.clone().expect("statistics");
        assert_eq!(statistics.most_common_values.len(), 3);
        drop(session);
        admin.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

#[test]
fn the_search_path_is_the_applications() {
    let database = support::database("path", SCHEMA);
    database.execute(&format!("ALTER DATABASE \"{}\" SET search_path = app, \"$user\", nowhere", database.name()));
    assert_eq!(collected(&database.url()).server.search_path, ["app"]);
    let role = format!("{}_shop", database.name());
    database.execute(&format!("CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET search_path = public, app"));
    assert_eq!(collected(&support::url_as(&database, &role)).server.search_path, ["public", "app"]);
    let of_role = collected(&database.url());
    let change = of_role.setting_overrides.iter().find(|change| change.role.as_deref() == Some(role.as_str()));
    assert_eq!(change.map(|change| change.value.as_str()), Some("public, app"));

    // The role that the application uses counts, not the one that reads.
    database.execute("CREATE EXTENSION pg_stat_statements SCHEMA public; GRANT ALL ON SCHEMA app TO PUBLIC");
    let shop = connect(&support::url_as(&database, &role));
    shop.execute("SELECT count(*) FROM generate_series(1, 2000000)");
    assert_eq!(collected(&database.url()).server.search_path, ["public", "app"]);
    database.execute(&format!("ALTER DATABASE \"{}\" RESET search_path", database.name()));
    drop(shop);
    let options = pgadvise::collect::CollectOptions {
        application_schema: Some("app".to_owned()),
        ..pgadvise::collect::CollectOptions::default()
    };
    assert_eq!(support::collected_with(&database.url(), &options).server.search_path, ["app"]);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
