//! Emitted files, run by psql on a server: they do what they say, can be run again, and refuse what they must.

use std::path::{Path, PathBuf};

use pgadvise::advice::{PartitionIndex, Step};
use pgadvise::emit::{self, Bundle, MANIFEST_FILE, Manifest};
use pgadvise::pg::identifier::quote_literal;
use pgadvise::pg::{IndexColumn, IndexDefinition, IndexTarget, Oid, RelationName, quote_identifier};
use pgadvise::snapshot::{Relation, RelationKind};

use crate::support::advice::{bundle, create_step, drop_step, existing_index, psql, statement, table, workload};
use crate::support::{self, Database};

const SCHEMA: &str = "CREATE SCHEMA app;
    CREATE TABLE app.\"Order\" (id bigint PRIMARY KEY, \"userId\" bigint, email varchar(99), total numeric,
                                deleted_at timestamptz, größe int);
    INSERT INTO app.\"Order\" SELECT g, g % 5, 'u' || g || '@example.org', g FROM generate_series(1, 50) g;";

fn order() -> RelationName {
    RelationName::new("app", "Order")
}

/// `(userId, lower(email) DESC) INCLUDE (total) WHERE deleted_at IS NULL`
fn rich() -> IndexDefinition {
    let mut definition = IndexDefinition::btree(["userId"]);
    let expression = IndexTarget::Expression("lower(email)".into());
    definition.key_columns.push(IndexColumn { descending: true, nulls_first: true, ..expression.into() });
    definition.included_columns.push("total".into());
    definition.predicate = Some("deleted_at IS NULL".into());
    definition
}

/// The bundle of one create step, written to a folder.
fn written(definition: IndexDefinition, name: &str) -> (tempfile::TempDir, PathBuf, Bundle) {
    let workload = workload(vec![table(1, &order(), vec![])], vec![statement("SELECT 1")]);
    write(bundle(&[create_step(1, &order(), name, definition)], &workload))
}

fn write(bundle: Bundle) -> (tempfile::TempDir, PathBuf, Bundle) {
    let out = tempfile::tempdir().expect("a folder");
    let folder = emit::write(&bundle, out.path()).expect("written").expect("files");
    (out, folder, bundle)
}

fn run(database: &Database, file: &Path) -> (i32, String) {
    let output = psql(&database.url(), &[file]);
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn definition_of(database: &Database, name: &str) -> Option<String> {
    let sql = format!("SELECT pg_get_indexdef(to_regclass('app.{name}'))");
    database.rows(&sql).remove(0).remove(0)
}

#[test]
fn a_migration_creates_and_its_rollback_drops_on_every_version() {
    for major in support::versions() {
        let database = support::database_on(support::server(major), "emit", SCHEMA);
        let (_out, folder, _) = written(rich(), "Order_größe_idx");
        let migration = folder.join("0001_Order_gr__e_idx.sql");
        assert_eq!(run(&database, &migration), (0, String::new()), "{major}");
        assert_eq!(
            definition_of(&database, "\"Order_größe_idx\"").as_deref(),
            Some(
                "CREATE INDEX \"Order_größe_idx\" ON app.\"Order\" USING btree (\"userId\", lower((email)::text) DESC) \
                 INCLUDE (total) WHERE (deleted_at IS NULL)"
            )
        );
        let (code, errors) = run(&database, &migration);
        assert!(code == 3 && errors.contains("already exists"), "a valid index is left alone: {errors}");
        assert_eq!(run(&database, &folder.join("rollback/0001_Order_gr__e_idx.sql")), (0, String::new()));
        assert_eq!(definition_of(&database, "\"Order_größe_idx\""), None);
    }
}

#[test]
fn a_failed_build_is_mended_by_running_the_file_again() {
    let database = support::database("emit_again", SCHEMA);
    let mut definition = IndexDefinition::btree(["userId"]);
    definition.is_unique = true;
    let (_out, folder, _) = written(definition, "order_user_key");
    let migration = folder.join("0001_order_user_key.sql");
    let (code, errors) = run(&database, &migration);
    assert!(code == 3 && errors.contains("could not create unique index"), "{errors}");
    let valid = "SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('app.order_user_key')";
    assert_eq!(database.value(valid), "false");
    database.execute("DELETE FROM app.\"Order\" WHERE id > 5");
    assert_eq!(run(&database, &migration), (0, String::new()));
    assert_eq!(database.value(valid), "true");
}

#[test]
fn a_name_that_something_else_has_is_refused_and_what_has_it_stays() {
    let database = support::database("emit_taken", SCHEMA);
    let (_out, folder, _) = written(IndexDefinition::btree(["userId"]), "taken");
    let migration = folder.join("0001_taken.sql");
    database.execute("CREATE TABLE app.taken (a int)");
    let (code, errors) = run(&database, &migration);
    assert!(code == 3 && errors.contains("\"taken\" already exists"), "{errors}");
    database.execute("DROP TABLE app.taken; CREATE TABLE app.other (a int); INSERT INTO app.other VALUES (1), (1)");
    let session = database.connect();
    assert!(session.try_execute("CREATE UNIQUE INDEX CONCURRENTLY taken ON app.other (a)").is_err());
    let (code, errors) = run(&database, &migration);
    assert!(code == 3 && errors.contains("\"taken\" already exists"), "an invalid index of another table: {errors}");
    assert_eq!(database.value("SELECT count(*)::text FROM pg_index WHERE NOT indisvalid"), "1");
}

#[test]
fn an_index_that_somebody_is_building_is_not_dropped() {
    let database = support::database("emit_building", SCHEMA);
    let writer = database.connect();
    writer.execute("BEGIN; UPDATE app.\"Order\" SET total = 0 WHERE id = 1");
    let url = database.url();
    let builder = std::thread::spawn(move || {
        support::connect(&url).execute("CREATE INDEX CONCURRENTLY busy ON app.\"Order\" (\"userId\")");
    });
    let waiting = "SELECT count(*)::text FROM pg_index WHERE indexrelid = to_regclass('app.busy')";
    while database.value(waiting) != "1" {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (_out, folder, _) = written(IndexDefinition::btree(["userId"]), "busy");
    let url = database.url();
    let file = folder.join("0001_busy.sql");
    let runner = std::thread::spawn(move || psql(&url, &[&file]));
    let blocked =
        "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'psql' AND wait_event_type = 'Lock'";
    while !runner.is_finished() && database.value(blocked) == "0" {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    writer.execute("COMMIT");
    builder.join().expect("the build");
    let output = runner.join().expect("psql");
    // Two concurrent builds on one relation wait for each other, so the server may also end this one as a deadlock.
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3));
    assert!(errors.contains("\"busy\" already exists") || errors.contains("deadlock detected"), "{errors}");
    assert_eq!(database.value("SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'app.busy'::regclass"), "true");
}

#[test]
fn the_rollback_of_a_drop_builds_the_old_index() {
    let database = support::database("emit_drop", SCHEMA);
    database.execute(
        "CREATE INDEX old_idx ON app.\"Order\" (\"userId\" DESC NULLS LAST, lower(email) text_pattern_ops) INCLUDE (total)
         WITH (fillfactor = 70, deduplicate_items = off) WHERE deleted_at IS NULL",
    );
    let before = definition_of(&database, "old_idx");
    let mut definition = IndexDefinition::btree(["userId"]);
    definition.key_columns[0].descending = true;
    let mut expression = IndexColumn::ascending(IndexTarget::Expression("lower((email)::text)".into()));
    expression.opclass = Some("text_pattern_ops".into());
    definition.key_columns.push(expression);
    definition.included_columns.push("total".into());
    definition.predicate = Some("deleted_at IS NULL".into());
    let index = existing_index(2, "old_idx", definition.clone(), &["fillfactor=70", "deduplicate_items=off"]);
    let workload = workload(vec![table(1, &order(), vec![index])], vec![]);
    let (_out, folder, _) = write(bundle(&[drop_step(1, &order(), "old_idx", definition)], &workload));
    assert_eq!(run(&database, &folder.join("0001_old_idx.sql")), (0, String::new()));
    assert_eq!(definition_of(&database, "old_idx"), None);
    assert_eq!(run(&database, &folder.join("rollback/0001_old_idx.sql")), (0, String::new()));
    assert_eq!(definition_of(&database, "old_idx"), before);
}

#[test]
fn an_index_is_not_dropped_before_the_one_that_takes_over_is_valid() {
    let schema = format!("{SCHEMA}; CREATE INDEX old_idx ON app.\"Order\" (total)");
    let successor = "it's \"new\" \\ $pgadvise$";
    let name = quote_identifier(successor);
    let definition = IndexDefinition::btree(["total"]);
    let index = existing_index(2, "old_idx", definition.clone(), &[]);
    let workload = workload(vec![table(1, &order(), vec![index])], vec![]);
    let step = Step { taken_over_by: Some(successor.into()), ..drop_step(1, &order(), "old_idx", definition) };
    let (_out, folder, _) = write(bundle(&[step], &workload));
    let file = folder.join("0001_old_idx.sql");
    for major in support::versions() {
        let database = support::database_on(support::server(major), "emit_successor", &schema);
        let refused = |database: &Database| {
            let (status, said) = run(database, &file);
            assert_eq!(status, 3, "{major}: {said}");
            assert!(said.contains("is missing or not valid, which does what old_idx does now"), "{said}");
            assert!(said.contains("HINT:  Create it first"), "{said}");
            assert!(definition_of(database, "old_idx").is_some(), "{major}");
        };
        refused(&database);
        database.execute(&format!("CREATE TABLE app.other (total int); CREATE INDEX {name} ON app.other (total)"));
        refused(&database);
        database.execute(&format!("DROP TABLE app.other; CREATE INDEX {name} ON app.\"Order\" (total, email)"));
        let mark = |is_valid: bool| {
            let of_index = quote_literal(&format!("app.{name}"));
            database.execute(&format!(
                "UPDATE pg_index SET indisvalid = {is_valid} WHERE indexrelid = {of_index}::regclass"
            ));
        };
        mark(false);
        refused(&database);
        mark(true);
        assert_eq!(run(&database, &file), (0, String::new()), "{major}");
        assert_eq!(definition_of(&database, "old_idx"), None);
    }
}

#[test]
fn the_rollback_of_a_drop_names_the_tablespace_of_the_old_index() {
    let definition =
        IndexDefinition { predicate: Some("deleted_at IS NULL".into()), ..IndexDefinition::btree(["total"]) };
    let mut index = existing_index(2, "old_idx", definition.clone(), &["fillfactor=70"]);
    index.tablespace = Some("Fast disks".into());
    let workload = workload(vec![table(1, &order(), vec![index])], vec![]);
    let bundle = bundle(&[drop_step(1, &order(), "old_idx", definition)], &workload);
    let rollback = bundle.files.iter().find(|file| file.path == "rollback/0001_old_idx.sql").expect("a rollback");
    let clauses = "USING btree (total) WITH (fillfactor='70') TABLESPACE \"Fast disks\" WHERE (deleted_at IS NULL);";
    assert!(rollback.content.contains(clauses), "{}", rollback.content);
}

#[test]
fn what_cannot_be_written_is_a_gap() {
    let definition = || IndexDefinition::btree(["a"]);
    let mut hostile = definition();
    hostile.predicate = Some("true); DROP TABLE t; --".into());
    let mut partitioned = table(2, &RelationName::new("public", "ev"), vec![]);
    partitioned.kind = RelationKind::PartitionedTable;
    let mut constraint = existing_index(9, "t_key", definition(), &[]);
    constraint.constraint = Some("t_key".into());
    let t = RelationName::new("public", "t");
    let steps = [
        create_step(1, &t, "ok_idx", definition()),
        create_step(1, &t, "hostile_idx", hostile),
        drop_step(2, &partitioned.name, "ev_idx", definition()),
        drop_step(1, &t, "t_key", definition()),
        drop_step(1, &t, "unknown_idx", definition()),
        create_step(1, &t, "nul\0idx", definition()),
    ];
    let workload = workload(vec![table(1, &t, vec![constraint]), partitioned], vec![statement("SELECT 1")]);
    let bundle = bundle(&steps, &workload);
    let paths: Vec<&str> = bundle.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["0001_ok_idx.sql", "rollback/0001_ok_idx.sql", "verify.sql", MANIFEST_FILE]);
    let gaps: Vec<&str> = bundle.gaps.iter().map(|gap| gap.id.as_str()).collect();
    assert_eq!(gaps, ["hostile_idx", "ev_idx", "t_key", "unknown_idx", "nul\0idx"]);
    assert!(bundle.gaps[1].reason.contains("partitioned table"));
}

#[test]
fn the_manifest_holds_no_value_and_reads_back() {
    let text = "SELECT * FROM t WHERE email = 'jane@example.org' AND n = 4711 /* 0815 */";
    let t = RelationName::new("public", "t");
    let workload = workload(vec![table(1, &t, vec![])], vec![statement(text)]);
    let (_out, folder, bundle) =
        write(bundle(&[create_step(1, &t, "t_email_idx", IndexDefinition::btree(["email"]))], &workload));
    let manifest = Manifest::read(&folder.join(MANIFEST_FILE)).expect("a manifest");
    assert_eq!(manifest, bundle.manifest);
    assert_eq!(manifest.indexes[0].statements[0].text.as_deref(), Some("SELECT * FROM t WHERE email = $1 AND n = $2"));
    for file in &bundle.files {
        for value in ["jane", "4711", "0815"] {
            assert!(!file.content.contains(value), "{}: {value}", file.path);
        }
    }
}

#[test]
fn a_file_reads_as_it_should() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded/emit");
    let mut step = create_step(1, &order(), "Order_userId_email_idx", rich());
    step.cautions.push("statistics of app.\"Order\" are missing".into());
    let drop = drop_step(1, &order(), "order_old_idx", IndexDefinition::btree(["userId"]));
    let old = existing_index(2, "order_old_idx", IndexDefinition::btree(["userId"]), &["fillfactor=70"]);
    let part = |oid, name: &str, is_there| PartitionIndex {
        relation_oid: Oid(oid),
        relation: RelationName::new("app", name),
        name: format!("{name}_at_idx"),
        is_partitioned: false,
        attached_to: None,
        is_there,
    };
    let event = RelationName::new("app", "event");
    let mut of_partitions = create_step(3, &event, "event_at_idx", IndexDefinition::btree(["at"]));
    of_partitions.partitions = vec![part(4, "event_2024", true), part(5, "event_2025", false)];
    let partitioned = Relation { kind: RelationKind::PartitionedTable, ..table(3, &event, vec![]) };
    let there = existing_index(6, "event_2024_at_idx", IndexDefinition::btree(["at"]), &["fillfactor=80"]);
    let partition = table(4, &RelationName::new("app", "event_2024"), vec![there]);
    let relations = vec![table(1, &order(), vec![old]), partitioned, partition];
    let workload = workload(relations, vec![statement("SELECT 1 FROM t WHERE a = $1")]);
    for file in bundle(&[step, of_partitions, drop], &workload).files {
        support::expect::file(&path.join(&file.path), &file.content);
    }
}
