//! A whole `analyze` and `verify` as the server sees them: only statements that docs/safety.md lists, every SELECT one of
//! our files, nothing written, nothing of the workload executed, nothing left behind.

use std::collections::BTreeMap;

use pgadvise::pg::{RelationName, StatisticsDefinition, StatisticsKind};
use pgadvise::server::Cluster;

use crate::support::advice::{bundle_with_statistics, statistics_step, table, workload};
use crate::support::cli::{Desk, SHOP, SHOP_ADVICE};
use crate::support::statement_log::{Sent, documented, is_of_kind, logging_options, query_files, sent_statements};
use crate::support::{self, PgBouncer};

/// The longest that a transaction may be open: docs/safety.md gives one statement five seconds.
const TRANSACTION_SECONDS_MAX: f64 = 6.0;

/// Functions and triggers that leave a trace when they run, and statements that call them in every way.
const TRAPS: &str = "
    CREATE TABLE trace (what text);
    CREATE SEQUENCE counter;
    CREATE FUNCTION trap(what text) RETURNS int LANGUAGE plpgsql VOLATILE AS
        $$BEGIN INSERT INTO trace VALUES (what); RETURN 1; END$$;
    CREATE FUNCTION stable_trap() RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN RETURN nextval('counter'); END$$;
    CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO trace VALUES ('trigger'); RETURN NEW; END$$;
    CREATE TRIGGER on_change BEFORE INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION on_change()";

const TRAP_WORKLOAD: &str = "
    -- calls: 900
    SELECT * FROM orders WHERE customer_id = 42;
    SELECT trap('select') FROM orders WHERE id = 1;
    SELECT * FROM orders WHERE id = trap('where');
    SELECT * FROM orders WHERE id = stable_trap();
    SELECT nextval('counter');
    SELECT pg_advisory_lock(4711);
    SELECT pg_notify('channel', 'x');
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend';
    WITH gone AS (DELETE FROM orders WHERE customer_id = 1 RETURNING *) SELECT count(*) FROM gone;
    SELECT * FROM orders WHERE customer_id = 3 FOR UPDATE;
    -- calls: 20
    UPDATE orders SET total = 0 WHERE customer_id = 5;
    DELETE FROM orders WHERE status = 'new';
    INSERT INTO orders VALUES (-1, 1, 'new', 1, now());
    INSERT INTO trace VALUES ('insert');
    TRUNCATE trace;
    DROP TABLE customer;
    CREATE TABLE made AS SELECT * FROM orders;
    EXPLAIN ANALYZE DELETE FROM orders;
    DO $$BEGIN INSERT INTO trace VALUES ('do'); END$$;
    VACUUM orders;
    COMMIT;
";

/// Everything that writing would change.
fn contents(admin: &support::Session) -> Vec<Vec<Option<String>>> {
    let mut rows = admin.rows(
        "SELECT 'orders', count(*)::text, sum(total)::text, md5(string_agg(o::text, '|' ORDER BY id)) FROM orders o
         UNION ALL SELECT 'customer', count(*)::text, '', md5(string_agg(c::text, '|' ORDER BY id)) FROM customer c
         UNION ALL SELECT 'trace', count(*)::text, '', '' FROM trace
         UNION ALL SELECT 'counter', last_value::text, is_called::text, '' FROM counter",
    );
    rows.extend(admin.rows(
        "SELECT relname, relkind::text, relfilenode::text, pg_get_expr(relpartbound, oid) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    ));
    rows
}

/// The counters of writes, once the server has settled.
fn writes(admin: &support::Session) -> Vec<Vec<Option<String>>> {
    admin.rows("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, vacuum_count, analyze_count FROM pg_stat_user_tables ORDER BY 1")
}

#[test]
fn a_whole_run_sends_only_what_is_documented_and_changes_nothing() {
    let options = logging_options()
        .with_setting("shared_preload_libraries", "pg_stat_statements")
        .with_setting("autovacuum", "off");
    let cluster = support::private_server_with_hypopg(&options);
    let admin = support::connect(&cluster.url("postgres"));
    for statement in SHOP.split(';') {
        admin.execute(statement);
    }
    admin.execute(TRAPS);
    admin.execute("CREATE STATISTICS other_stats ON customer_id, status FROM orders");
    admin.execute("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg");
    for statement in ["SELECT * FROM orders WHERE customer_id = 42", "SELECT count(*) FROM orders WHERE status = 'new'"]
    {
        admin.execute(statement);
    }
    std::thread::sleep(std::time::Duration::from_millis(1_200)); // counters of this session reach the server's statistics
    let (before, writes_before) = (contents(&admin), writes(&admin));

    let desk = Desk::new();
    desk.write("w.sql", TRAP_WORKLOAD);
    let url = cluster.url("postgres");
    for what_if in ["shadow", "hypopg"] {
        let run = desk.analyze(&url, &["--workload", "w.sql", "--what-if", what_if]);
        run.advises(SHOP_ADVICE);
        assert!(run.json()["workload"]["n_planned"].as_u64() >= Some(10), "{run:?}");
    }
    desk.write("statistics.json", &statistics_manifest());
    for verified in [
        &["verify", &url][..],
        &["verify", &url, "--format", "json"],
        &["verify", &url, "--manifest", "statistics.json"],
    ] {
        assert_eq!(desk.run(verified).code, Some(1), "nothing is deployed");
    }

    assert_eq!(contents(&admin), before);
    assert_eq!(writes(&admin), writes_before);
    assert_eq!(admin.value("SELECT count(*) FROM hypopg_list_indexes"), "0");
    let left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgadvise%'";
    support::eventually(|| (admin.value(left) == "0").then_some(()));
    assert_eq!(admin.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
    let sent = sent_statements(&cluster, "pgadvise/");
    assert!(sent.len() > 100, "only {} statements", sent.len());
    is_documented(&sent);
    transactions_are_short_and_end(&sent);
    nothing_else_was_sent(&cluster);
}

/// The manifest of a statistics object over a table of the shop that has another.
fn statistics_manifest() -> String {
    let definition = StatisticsDefinition {
        name: "orders_stats".into(),
        relation: RelationName::new("public", "orders"),
        columns: vec!["customer_id".into(), "status".into()],
        kinds: vec![StatisticsKind::Mcv],
    };
    let workload = workload(vec![table(1, &definition.relation, vec![])], vec![]);
    let bundle = bundle_with_statistics(&[statistics_step(definition)], &[], &workload);
    bundle.manifest.to_json().expect("JSON")
}

/// Every statement is of a kind that the document lists, and every SELECT that is not a hypothetical index's end is the
/// text of a file.
fn is_documented(sent: &[Sent]) {
    let kinds = documented();
    let files = query_files();
    for Sent { text, .. } in sent {
        assert!(kinds.iter().any(|kind| is_of_kind(text, kind)), "not in docs/safety.md: {text}");
        if text.starts_with("SELECT") || text.starts_with("WITH") {
            let is_end = text.ends_with(".hypopg_reset()") || text.ends_with(".hypopg_unhide_all_indexes()");
            assert!(is_end || files.iter().any(|file| is_of_kind(text, file)), "in no file of queries: {text}");
        }
        let words: Vec<String> = text.split_whitespace().take(3).map(str::to_uppercase).collect();
        assert!(words.first().is_none_or(|word| word != "EXPLAIN") || !words.concat().contains("ANALYZE"), "{text}");
    }
    assert!(sent.iter().any(|sent| sent.text.contains("hypopg_create_index")), "HypoPG was used");
    assert!(sent.iter().any(|sent| sent.text.contains("verify_statistics_data")), "statistics objects were verified");
}

/// Each backend begins, works and rolls back, in turn; and each hypothetical index is taken back.
fn transactions_are_short_and_end(sent: &[Sent]) {
    let mut open: BTreeMap<&str, f64> = BTreeMap::new();
    let mut hypothetical: BTreeMap<&str, bool> = BTreeMap::new();
    let mut longest: f64 = 0.0;
    for Sent { process, at, text } in sent {
        if text.starts_with("BEGIN") {
            assert!(text.contains("READ ONLY"), "{text}");
            assert_eq!(open.insert(process, *at), None, "a transaction within another");
        } else if text == "ROLLBACK" {
            longest = longest.max(at - open.remove(process.as_str()).unwrap_or(*at));
        } else if !text.starts_with("SELECT") && !text.starts_with("DEALLOCATE") {
            assert!(open.contains_key(process.as_str()), "outside of a read-only transaction: {text}");
        }
        if text.contains("hypopg_create_index") {
            hypothetical.insert(process, true);
        } else if text.contains("hypopg_reset") {
            hypothetical.insert(process, false);
        }
    }
    assert!(open.is_empty(), "a transaction was not ended: {open:?}");
    assert!(!hypothetical.values().any(|is_there| *is_there), "hypothetical indexes were not taken back");
    assert!(longest < TRANSACTION_SECONDS_MAX, "a transaction was open for {longest} s");
}

/// No session of pgadvise's without its name: whatever the log holds is this test's own or was looked at.
fn nothing_else_was_sent(cluster: &Cluster) {
    for Sent { text, .. } in sent_statements(cluster, "") {
        assert!(
            !text.to_lowercase().contains("pg_terminate_backend(pid) from pg_stat_activity")
                || text.starts_with("EXPLAIN")
                || text.starts_with("PREPARE"),
            "{text}"
        );
    }
}

#[test]
fn it_works_where_everything_is_read_only() {
    let database = support::database_on(
        support::server_with_hypopg(),
        "read_only",
        "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg",
    );
    support::cli::fill_shop(&database);
    let name = database.name();
    database.execute(&format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on"));
    database.execute(&format!("ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'"));
    let desk = Desk::new();
    desk.write("w.sql", support::cli::SHOP_WORKLOAD);
    desk.analyze(&database.url(), &["--workload", "w.sql", "--no-emit"]).advises(SHOP_ADVICE);
}

#[test]
fn a_whole_run_behind_a_pooler_leaves_its_connection_as_it_was() {
    let setup = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg";
    let database = support::database_on(support::server_with_hypopg(), "behind_pooler", setup);
    support::cli::fill_shop(&database);
    let mut pooler = PgBouncer::start(database.cluster(), 1);
    let url = pooler.url(database.name());
    let state = "SELECT (SELECT count(*) FROM pg_prepared_statements) || ' ' || (SELECT count(*) FROM hypopg_list_indexes)
        || ' ' || md5((SELECT string_agg(name || setting, '' ORDER BY name) FROM pg_settings WHERE name <> 'application_name'))";
    let other = support::connect(&url);
    let before = other.value(state);
    let desk = Desk::new();
    desk.write("w.sql", &format!("{}SELECT * FROM absent;", support::cli::SHOP_WORKLOAD));
    for what_if in ["shadow", "hypopg"] {
        desk.analyze(&url, &["--workload", "w.sql", "--what-if", what_if]).advises(SHOP_ADVICE);
    }
    assert_eq!(other.value(state), before);
    assert_eq!(desk.run(&["verify", &url]).code, Some(1));
    assert_eq!(other.value(state), before);
    assert!(before.starts_with("0 0 "), "{before}");
    pooler.assert_alive();
}
