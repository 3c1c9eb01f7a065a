//! The index of a partitioned table, from the analysis to psql and `verify`: on every version, half-way, again, and back.

use std::path::{Path, PathBuf};

use crate::support::advice::psql;
use crate::support::cli::Desk;
use crate::support::{self, Database};

/// Two levels, a partition in another schema with an index that will do, an odd name, another order of columns.
const SCHEMA: &str = "CREATE SCHEMA archive;
    CREATE TABLE \"Event\" (id bigint, tenant_id int, at date NOT NULL, kind text) PARTITION BY RANGE (at);
    CREATE TABLE event_2024 PARTITION OF \"Event\" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
        PARTITION BY HASH (tenant_id);
    CREATE TABLE event_2024_a PARTITION OF event_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE archive.\"event 2024 b\" (at date NOT NULL, kind text, tenant_id int, id bigint);
    ALTER TABLE event_2024 ATTACH PARTITION archive.\"event 2024 b\" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE event_2025 PARTITION OF \"Event\" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO \"Event\" SELECT g, g % 4000, date '2024-01-01' + g % 700, 'k' FROM generate_series(1, 60000) g;
    CREATE INDEX by_hand ON archive.\"event 2024 b\" (tenant_id) WITH (fillfactor = 80);
    ANALYZE \"Event\"";

const WORKLOAD: &str = "-- calls: 1000\nSELECT * FROM \"Event\" WHERE tenant_id = 7;\n";

/// The indexes, and whether they are valid.
const INDEXES: &str =
    "SELECT string_agg(i.indexrelid::regclass || ' ' || i.indisvalid, ', ' ORDER BY i.indexrelid::regclass::text)
    FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid WHERE t.relname ILIKE 'event%'";

struct Deployed {
    database: Database,
    desk: Desk,
    folder: PathBuf,
}

fn analysed(major: u32) -> Deployed {
    let database = support::database_on(support::server(major), "partitioned", SCHEMA);
    let desk = Desk::new();
    desk.write("w.sql", WORKLOAD);
    let run = desk.analyze(&database.url(), &["--only-workload", "--workload", "w.sql", "--out", "out"]);
    let report = run.json();
    let advice = report["advice"].as_array().expect("advice");
    assert_eq!(advice.len(), 1, "{report:#}");
    assert_eq!(advice[0]["relation"]["name"], "Event");
    let caution =
        "partitioned table: built on 2 of 3 partitions, one after another, and attached, by_hand is there already";
    let cautions = advice[0]["cautions"].as_array().expect("cautions");
    assert!(cautions.iter().any(|said| said.as_str().is_some_and(|said| said.starts_with(caution))), "{cautions:?}");
    let folder = only_folder(&desk);
    Deployed { database, desk, folder }
}

/// What the analysis wrote.
fn only_folder(desk: &Desk) -> PathBuf {
    let out = std::fs::read_dir(desk.path().join("out")).expect("a folder");
    out.into_iter().next().expect("migrations").expect("an entry").path()
}

impl Deployed {
    fn run(&self, file: &str) -> (i32, String) {
        let output = psql(&self.database.url(), &[&self.folder.join(file)]);
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn migrate(&self) -> (i32, String) {
        self.run("0001_Event_tenant_id_idx.sql")
    }

    fn roll_back(&self) -> (i32, String) {
        self.run("rollback/0001_Event_tenant_id_idx.sql")
    }

    fn indexes(&self) -> String {
        self.database.value(INDEXES)
    }

    /// The state that `verify` and verify.sql both report.
    fn assert_state(&self, state: &str, code: i32, said: &str) {
        let run =
            self.desk.run(&["verify", &self.database.url(), "--manifest", &text(&self.folder.join("manifest.json"))]);
        assert!(run.stdout.contains(state) && run.stdout.contains(said), "{run:?}");
        assert_eq!(run.code, Some(code), "{run:?}");
        let (exit, notices) = self.run("verify.sql");
        assert!(notices.contains(&format!("NOTICE:  {state:<17}")) && notices.contains(said), "{notices}");
        assert_eq!(exit, if code == 0 { 0 } else { 3 });
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

const BEFORE: &str = "archive.by_hand true";
const AFTER: &str = "\"Event_tenant_id_idx\" true, archive.by_hand true, event_2024_a_tenant_id_idx true, \
                     event_2024_tenant_id_idx true, event_2025_tenant_id_idx true";

#[test]
fn an_index_of_a_partitioned_table_is_built_part_by_part_and_taken_back() {
    for major in support::versions() {
        let deployed = analysed(major);
        deployed.assert_state("missing", 1, "");
        assert_eq!(deployed.migrate(), (0, String::new()), "{major}");
        assert_eq!(deployed.indexes(), AFTER, "{major}");
        deployed.assert_state("ok", 0, "");
        let (code, said) = deployed.migrate();
        assert!(code == 0 && said.contains("already exists, skipping"), "running it again changes nothing: {said}");
        assert_eq!(deployed.roll_back(), (0, String::new()), "{major}");
        assert_eq!(deployed.indexes(), BEFORE, "{major}");
        let by_hand = deployed.database.value("SELECT pg_get_indexdef('archive.by_hand'::regclass)");
        assert!(by_hand.ends_with("USING btree (tenant_id) WITH (fillfactor='80')"), "{by_hand}");
    }
}

#[test]
fn a_migration_that_stopped_goes_on_and_can_be_taken_back() {
    let deployed = analysed(support::versions()[0]);
    // Somebody writes to the last partition that is built, and somebody else loses patience.
    let writer = deployed.database.connect();
    writer.execute("BEGIN; UPDATE event_2025 SET kind = 'x' WHERE id = 1");
    let url = deployed.database.url();
    let file = deployed.folder.join("0001_Event_tenant_id_idx.sql");
    let runner = std::thread::spawn(move || psql(&url, &[&file]));
    let waiting = "SELECT count(*)::text FROM pg_stat_progress_create_index WHERE datname = current_database()
                   AND relid = 'event_2025'::regclass AND phase LIKE 'waiting%'";
    while deployed.database.value(waiting) == "0" {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    deployed.assert_state("building", 6, "pid ");
    deployed.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()",
    );
    assert_ne!(runner.join().expect("psql").status.code(), Some(0));
    writer.execute("COMMIT");
    let half_way = deployed.indexes();
    assert!(half_way.contains("Event_tenant_id_idx\" false") && half_way.contains("event_2025_tenant_id_idx false"));
    deployed.assert_state("invalid", 1, "a valid part of it is missing on ");
    assert_eq!(deployed.roll_back(), (0, String::new()));
    assert_eq!(deployed.indexes(), BEFORE);

    // Half-way again: the first part is there and not attached, the last is the leftover of a failed build.
    deployed.database.execute(
        "CREATE INDEX \"Event_tenant_id_idx\" ON ONLY \"Event\" (tenant_id);
         CREATE INDEX event_2024_a_tenant_id_idx ON event_2024_a (tenant_id);
         CREATE INDEX event_2025_tenant_id_idx ON event_2025 (tenant_id);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'event_2025_tenant_id_idx'::regclass",
    );
    let (code, said) = deployed.migrate();
    assert_eq!(code, 0, "{said}");
    assert_eq!(deployed.indexes(), AFTER);
    deployed.assert_state("ok", 0, "");
}

#[test]
fn a_partition_that_came_later_is_named() {
    let deployed = analysed(support::versions()[0]);
    let later = "CREATE TABLE event_2026 PARTITION OF \"Event\" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')";
    deployed.database.execute(later);
    let (code, said) = deployed.migrate();
    assert!(
        code == 3 && said.contains("a valid part of it is missing on event_2026") && said.contains("HINT"),
        "{said}"
    );
    deployed.assert_state("invalid", 1, "a valid part of it is missing on ");
    deployed.database.execute("CREATE INDEX CONCURRENTLY later_idx ON event_2026 (tenant_id)");
    deployed.database.execute("ALTER INDEX \"Event_tenant_id_idx\" ATTACH PARTITION later_idx");
    assert_eq!(deployed.migrate().0, 0);
    deployed.assert_state("ok", 0, "");
}

#[test]
fn a_partitioned_part_that_is_there_is_attached_with_its_own_and_comes_back() {
    let database = support::database("partitioned_part", SCHEMA);
    database.execute("DROP INDEX archive.by_hand; CREATE INDEX of_2024 ON event_2024 (tenant_id)");
    let desk = Desk::new();
    desk.write("w.sql", "-- calls: 1000\nSELECT * FROM \"Event\" WHERE tenant_id = 7 AND at > '2025-02-02';\n");
    desk.analyze(&database.url(), &["--only-workload", "--workload", "w.sql", "--out", "out"]);
    let folder = only_folder(&desk);
    let deployed = Deployed { database, desk, folder };
    let before = deployed.indexes();
    assert_eq!(deployed.migrate(), (0, String::new()));
    let after = deployed.indexes();
    assert_eq!(after.matches(", ").count(), before.matches(", ").count() + 2, "the top and one partition's: {after}");
    assert!(!after.contains("false"), "{after}");
    deployed.assert_state("ok", 0, "");
    assert_eq!(deployed.roll_back(), (0, String::new()));
    assert_eq!(deployed.indexes(), before);
}

#[test]
fn what_others_wait_behind_does_not_wait_for_long() {
    let deployed = analysed(support::versions()[0]);
    let writer = deployed.database.connect();
    writer.execute("BEGIN; INSERT INTO \"Event\" VALUES (0, 0, '2025-05-05', 'k')");
    let (code, said) = deployed.migrate();
    assert!(code == 3 && said.contains("canceling statement due to lock timeout"), "{said}");
    writer.execute("COMMIT");
    assert_eq!(deployed.migrate().0, 0);
}

#[test]
fn a_foreign_partition_is_a_reason_and_not_half_a_migration() {
    let deployed = analysed(support::versions()[0]);
    deployed.database.execute(
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
         CREATE FOREIGN TABLE event_2020 PARTITION OF \"Event\" FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') SERVER elsewhere",
    );
    // Without its handler the foreign table cannot be planned, so the statement names a partition.
    deployed.desk.write("w.sql", "-- calls: 1000\nSELECT * FROM event_2025 WHERE tenant_id = 7;\n");
    let run =
        deployed.desk.analyze(&deployed.database.url(), &["--only-workload", "--workload", "w.sql", "--out", "other"]);
    run.has_gap(&["migration Event_tenant_id_idx", "partition public.event_2020 is a foreign table"]);
    assert!(!deployed.desk.path().join("other").exists());
}

#[test]
fn names_are_quoted_wherever_they_stand() {
    let schema = "CREATE SCHEMA \"s'; --\";
        CREATE TABLE \"s'; --\".\"t\n\\! $pgadvise$ :HOST\" (\"a b\" int, at date) PARTITION BY RANGE (at);
        CREATE TABLE \"p\"\"; DROP SCHEMA public; */ \\gexec\" PARTITION OF \"s'; --\".\"t\n\\! $pgadvise$ :HOST\"
            FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        INSERT INTO \"s'; --\".\"t\n\\! $pgadvise$ :HOST\" SELECT g, '2025-05-05' FROM generate_series(1, 30000) g;
        ANALYZE";
    let database = support::database("partitioned_odd", schema);
    let desk = Desk::new();
    desk.write("w.sql", "-- calls: 9\nSELECT * FROM \"s'; --\".\"t\n\\! $pgadvise$ :HOST\" WHERE \"a b\" = 7;");
    let run = desk.analyze(&database.url(), &["--only-workload", "--workload", "w.sql", "--out", "out"]);
    assert_eq!(run.json()["advice"][0]["ddl"].as_array().map(Vec::len), Some(3), "{run:?}");
    let folder = only_folder(&desk);
    let sql = |folder: &Path| -> PathBuf {
        let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        files.into_iter().find(|path| text(path).contains("0001_")).expect("a migration")
    };
    let output = psql(&database.url(), &[&sql(&folder), &folder.join("verify.sql")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = psql(&database.url(), &[&sql(&folder.join("rollback"))]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(database.value("SELECT count(*)::text FROM pg_index WHERE indrelid > 16383 AND NOT indisvalid"), "0");
    assert_eq!(database.value("SELECT count(*)::text FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
                               WHERE t.relname ~ '^[tp]' AND t.relnamespace NOT IN (11, 99) AND t.relkind IN ('p', 'r')"), "0");
}
