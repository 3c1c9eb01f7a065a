//! Every verdict of `pgadvise verify`, produced for real on servers 13, 15 and 18, and the same from verify.sql in psql.

use std::time::{Duration, Instant};

use pgadvise::advice::Step;
use pgadvise::db::{Session, Target};
use pgadvise::pg::{IndexColumn, IndexDefinition, IndexTarget, RelationName};
use pgadvise::verify::{IndexVerdict, Verdict, judge};

use crate::support;
use crate::support::advice::{bundle, create_step, drop_step, existing_index, psql, statement, table, workload};
use crate::support::{Database, database_on};

/// A version with the oldest, the usual and the newest catalog.
const MAJORS: [u32; 3] = [13, 15, 18];

const SCHEMA: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, \"userId\" bigint, email varchar(99), code text,
                                           total numeric, deleted_at timestamptz, is_paid boolean);
    INSERT INTO orders SELECT g, g % 5, 'u' || g || '@example.org', 'c' || g, g FROM generate_series(1, 500) g;";

fn orders() -> RelationName {
    RelationName::new("public", "orders")
}

fn create(name: &str, definition: IndexDefinition) -> Step {
    create_step(1, &orders(), name, definition)
}

fn plain(name: &str) -> Step {
    create(name, IndexDefinition::btree(["userId"]))
}

/// `(userId, lower(email) DESC) INCLUDE (total) WHERE deleted_at IS NULL`, the expression as an application writes it.
fn rich() -> IndexDefinition {
    let mut definition = IndexDefinition::btree(["userId"]);
    let expression = IndexTarget::Expression("lower(email)".into());
    definition.key_columns.push(IndexColumn { descending: true, nulls_first: true, ..expression.into() });
    definition.included_columns.push("total".into());
    definition.predicate = Some("deleted_at IS NULL".into());
    definition
}

fn verdict_of(url: &str, steps: &[Step]) -> (Verdict, String) {
    let existing = steps.iter().map(|step| existing_index(2, &step.id, step.index.clone(), &[])).collect();
    let mut relations = vec![table(1, &orders(), existing)];
    relations.extend((steps[0].relation != orders()).then(|| table(9, &steps[0].relation, vec![])));
    let workload = workload(relations, vec![statement("SELECT 1")]);
    let bundle = bundle(steps, &workload);
    let mut session = Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session");
    let verdict = judge(&mut session, &bundle.manifest, "shop").expect("a verdict");
    let script = bundle.files.into_iter().find(|file| file.path == "verify.sql").expect("verify.sql");
    (verdict, script.content)
}

/// Asserts the state of the only step's index, from both, and the exit codes that belong to it.
fn assert_state(database: &Database, step: &Step, state: &str) -> IndexVerdict {
    assert_state_as(&database.url(), database, step, state)
}

fn assert_state_as(url: &str, database: &Database, step: &Step, state: &str) -> IndexVerdict {
    let major = database.cluster().version().major();
    let (mut verdict, script) = verdict_of(url, std::slice::from_ref(step));
    let index = verdict.indexes.remove(0);
    assert_eq!(index.state.as_str(), state, "PostgreSQL {major}: {index:?}");
    let file = tempfile::Builder::new().suffix(".sql").tempfile().expect("a file");
    std::fs::write(file.path(), script).expect("verify.sql");
    let output = psql(url, &[file.path()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("NOTICE:  {state:<17}")), "PostgreSQL {major}, wanted {state}: {said}");
    let is_fine = ["ok", "other_name", "dropped"].contains(&state);
    assert_eq!(output.status.code(), Some(if is_fine { 0 } else { 3 }), "{said}");
    let is_open = ["building", "not_comparable"].contains(&state);
    verdict.indexes.push(index.clone());
    assert_eq!(
        verdict.exit_code(),
        if is_fine {
            0
        } else if is_open {
            6
        } else {
            1
        }
    );
    index
}

fn on_each_version(name: &str, test: impl Fn(&Database)) {
    for major in MAJORS.into_iter().filter(|major| support::versions().contains(major)) {
        test(&database_on(support::server(major), name, SCHEMA));
    }
}

#[test]
fn ok_whatever_the_server_prints() {
    on_each_version("verify_ok", |database| {
        database.execute(
            "CREATE INDEX rich_idx ON orders (\"userId\", (lower(email)) DESC) INCLUDE (total)
                          WITH (fillfactor = 70) WHERE deleted_at IS NULL",
        );
        assert_state(database, &create("rich_idx", rich()), "ok");
        let mut definition = IndexDefinition::btree(["code"]);
        definition.key_columns[0].opclass = Some("text_pattern_ops".into());
        definition.key_columns.push(IndexTarget::Expression("code || '(x) WHERE \" ;'".into()).into());
        definition.key_columns[1].collation = Some("\"C\"".into());
        definition.predicate = Some("is_paid = true AND code IN ('a', 'b')".into());
        definition.is_unique = true;
        database.execute("CREATE UNIQUE INDEX \"Odd idx\" ON orders (code text_pattern_ops, (code || '(x) WHERE \" ;') COLLATE \"C\")
                          WHERE is_paid AND code IN ('a', 'b')");
        assert_state(database, &create("Odd idx", definition), "ok");
    });
}

#[test]
fn ok_with_names_that_have_to_be_quoted_and_escaped() {
    let relation = RelationName::new("a\"b; --", "t\n\\! '$pgadvise$' \u{e4}");
    let mut definition = IndexDefinition::btree([":HOST", "${x}?"]);
    definition.included_columns.push("' WHERE (".into());
    definition.predicate = Some("\"' WHERE (\" IS NULL".into());
    let name = "i*/ \"x\" \\q";
    for major in MAJORS.into_iter().filter(|major| support::versions().contains(major)) {
        let database = database_on(support::server(major), "verify_quoted", "");
        let create = format!(
            "CREATE SCHEMA \"a\"\"b; --\"; CREATE TABLE {relation} (\":HOST\" int, \"${{x}}?\" int, \"' WHERE (\" int)"
        );
        database.execute(&create);
        let step = create_step(9, &relation, name, definition.clone());
        assert_state(&database, &step, "missing");
        let workload = workload(vec![table(9, &relation, vec![])], vec![statement("SELECT 1")]);
        let bundle = bundle(std::slice::from_ref(&step), &workload);
        let file = tempfile::Builder::new().suffix(".sql").tempfile().expect("a file");
        std::fs::write(file.path(), &bundle.files[0].content).expect("the migration");
        let output = psql(&database.url(), &[file.path()]);
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), bundle.files[0].content);
        assert_state(&database, &step, "ok");
    }
}

#[test]
fn ok_with_names_of_the_application_s_search_path() {
    on_each_version("verify_path", |database| {
        database.execute(
            "CREATE SCHEMA \"my app\"; CREATE FUNCTION \"my app\".plain(varchar) RETURNS text IMMUTABLE LANGUAGE sql
               AS $$ SELECT pg_catalog.lower($1) $$",
        );
        let mut definition = IndexDefinition::btree(["id"]);
        definition.key_columns.push(IndexTarget::Expression("plain(email)".into()).into());
        let mut workload = workload(vec![table(1, &orders(), vec![])], vec![statement("SELECT 1")]);
        let snapshot = std::sync::Arc::get_mut(&mut workload.snapshot).expect("the only one");
        snapshot.server.search_path = vec!["my app".into(), "public".into()];
        let bundle = bundle(&[create("path_idx", definition)], &workload);
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["0001_path_idx.sql", "verify.sql"] {
            let path = folder.path().join(file);
            let emitted = bundle.files.iter().find(|emitted| emitted.path == file).expect("a file");
            std::fs::write(&path, &emitted.content).expect("a file");
            let output = psql(&database.url(), &[&path]);
            assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let mut session =
            Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
        let verdict = judge(&mut session, &bundle.manifest, "shop").expect("a verdict");
        assert_eq!(verdict.indexes[0].state.as_str(), "ok");
    });
}

#[test]
fn ok_for_every_access_method() {
    on_each_version("verify_methods", |database| {
        database.execute("ALTER TABLE orders ADD data jsonb, ADD at tstzrange");
        let method = |name: &str, column: &str, opclass: Option<&str>| {
            let mut definition = IndexDefinition::btree([column]);
            definition.access_method = name.to_owned().into();
            definition.key_columns[0].opclass = opclass.map(str::to_owned);
            definition
        };
        let mut cases = vec![
            ("USING hash (\"userId\")", method("hash", "userId", None)),
            ("USING gin (data jsonb_path_ops)", method("gin", "data", Some("jsonb_path_ops"))),
            ("USING gist (at)", method("gist", "at", None)),
            ("USING spgist (code)", method("spgist", "code", None)),
            ("USING brin (id) WITH (pages_per_range = 32)", method("brin", "id", None)),
        ];
        if database.cluster().version().major() >= 15 {
            let mut definition = IndexDefinition::btree(["id"]);
            definition.is_unique = true;
            definition.nulls_not_distinct = true;
            cases.push(("(id) NULLS NOT DISTINCT", definition));
        }
        for (body, definition) in cases {
            let unique = if definition.is_unique { "UNIQUE " } else { "" };
            database.execute(&format!("CREATE {unique}INDEX m_idx ON orders {body}"));
            assert_state(database, &create("m_idx", definition), "ok");
            database.execute("DROP INDEX m_idx");
        }
    });
}

#[test]
fn missing_and_under_another_name() {
    on_each_version("verify_missing", |database| {
        assert_state(database, &plain("gone_idx"), "missing");
        database.execute("CREATE INDEX \"Other one\" ON orders (\"userId\")");
        let index = assert_state(database, &plain("gone_idx"), "other_name");
        assert_eq!(index.equivalents, ["Other one"]);
        database.execute("CREATE INDEX rich_other ON orders (\"userId\", lower(email) DESC) INCLUDE (total) WHERE deleted_at IS NULL");
        assert_state(database, &create("rich_idx", rich()), "other_name");
        let nowhere =
            create_step(9, &RelationName::new("public", "nowhere"), "nowhere_idx", IndexDefinition::btree(["a"]));
        assert_state(database, &nowhere, "missing_relation");
    });
}

#[test]
fn different_and_in_what() {
    on_each_version("verify_different", |database| {
        let cases = [
            ("(\"userId\" DESC)", "key columns are (\"userId\" DESC), not (\"userId\")"),
            ("(\"userId\") WHERE is_paid", "predicate is is_paid, not none"),
            ("(\"userId\") INCLUDE (total)", "INCLUDE columns are (total), not none"),
            ("USING hash (\"userId\")", "access method is hash, not btree"),
            ("(id)", "key columns are (id), not (\"userId\")"),
        ];
        for (definition, difference) in cases {
            let using = if definition.starts_with("USING") { "" } else { "USING btree " };
            database.execute(&format!("CREATE INDEX d_idx ON orders {using}{definition}"));
            let index = assert_state(database, &plain("d_idx"), "different");
            assert_eq!(index.differences, [difference]);
            database.execute("DROP INDEX d_idx");
        }
        database.execute("CREATE INDEX d_idx ON orders (code text_pattern_ops)");
        let index = assert_state(database, &create("d_idx", IndexDefinition::btree(["code"])), "different");
        assert_eq!(index.differences, ["key columns are (code text_pattern_ops), not (code)"]);
        database.execute(
            "CREATE INDEX r_idx ON orders (\"userId\", upper(email) DESC) INCLUDE (total) WHERE deleted_at IS NOT NULL",
        );
        let index = assert_state(database, &create("r_idx", rich()), "different");
        assert_eq!(index.differences.len(), 2, "{:?}", index.differences);
        database.execute("CREATE UNIQUE INDEX u_idx ON orders (id, \"userId\")");
        let index = assert_state(database, &create("u_idx", IndexDefinition::btree(["id", "userId"])), "different");
        assert_eq!(index.differences, ["it is unique"]);
        database.execute("CREATE INDEX same_idx ON orders (id, \"userId\")");
        assert_state(database, &create("u_idx", IndexDefinition::btree(["id", "userId"])), "other_name");
    });
}

#[test]
fn the_name_is_taken() {
    on_each_version("verify_taken", |database| {
        database.execute("CREATE TABLE taken (a int); CREATE INDEX taken_idx ON taken (a)");
        let index = assert_state(database, &plain("taken"), "name_taken");
        assert_eq!(index.note.as_deref(), Some("a table has the name"));
        let index = assert_state(database, &plain("taken_idx"), "name_taken");
        assert_eq!(index.note.as_deref(), Some("an index of another relation has the name"));
    });
}

#[test]
fn invalid_after_a_failed_build() {
    on_each_version("verify_invalid", |database| {
        let session = database.connect();
        assert!(session.try_execute("CREATE UNIQUE INDEX CONCURRENTLY bad_key ON orders (\"userId\")").is_err());
        // The client hears of the error before the backend has cleared its progress.
        wait_until(database, "SELECT count(*) = 0 FROM pg_stat_progress_create_index");
        let mut definition = IndexDefinition::btree(["userId"]);
        definition.is_unique = true;
        let index = assert_state(database, &create("bad_key", definition), "invalid");
        assert!(index.note.is_some_and(|note| note.contains("0001_bad_key.sql")));
    });
}

#[test]
fn dropped_or_not() {
    on_each_version("verify_drop", |database| {
        let step = drop_step(1, &orders(), "old_idx", IndexDefinition::btree(["userId"]));
        assert_state(database, &step, "dropped");
        database.execute("CREATE INDEX twin_idx ON orders (\"userId\")");
        assert_state(database, &step, "dropped");
        database.execute("CREATE INDEX old_idx ON orders (\"userId\")");
        assert_state(database, &step, "not_dropped");
        database.execute("DROP INDEX old_idx; CREATE INDEX old_idx ON orders (code)");
        assert_state(database, &step, "dropped");
    });
}

#[test]
fn building_while_a_writer_holds_it_up_also_for_a_role_that_may_not_see_it() {
    on_each_version("verify_building", |database| {
        let role = format!("{}_nobody", database.name());
        database.execute(&format!("CREATE ROLE {role} LOGIN"));
        let writer = database.connect();
        writer.execute("BEGIN; UPDATE orders SET total = 0 WHERE id = 1");
        let url = database.url();
        let builder = std::thread::spawn(move || {
            support::connect(&url).execute("CREATE INDEX CONCURRENTLY slow_idx ON orders (\"userId\")");
        });
        wait_until(database, "SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'");
        let index = assert_state(database, &plain("slow_idx"), "building");
        assert!(index.note.is_some_and(|note| note.contains("waiting for writers")));
        assert_state_as(&with_user(database, &role), database, &plain("slow_idx"), "building");
        assert_state(database, &plain("absent_idx"), "missing");
        assert_state_as(&with_user(database, &role), database, &plain("absent_idx"), "missing");
        writer.execute("COMMIT");
        builder.join().expect("the build");
        assert_state(database, &plain("slow_idx"), "ok");
        database.execute(&format!("DROP ROLE {role}"));
    });
}

#[test]
fn building_without_concurrently_is_not_missing() {
    on_each_version("verify_plain_build", |database| {
        // An expression that waits for a lock keeps the build running, as a large relation would.
        database.execute(
            "CREATE FUNCTION slow(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql
               AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN $1; END $$",
        );
        let blocker = database.connect();
        blocker.execute("SELECT pg_advisory_lock(4711)");
        let url = database.url();
        let builder = std::thread::spawn(move || {
            support::connect(&url).execute(
                "SET max_parallel_maintenance_workers = 0; CREATE INDEX unseen_idx ON orders (slow(\"userId\"))",
            );
        });
        wait_until(
            database,
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()",
        );
        let mut definition = IndexDefinition::btree(["userId"]);
        definition.key_columns[0] = IndexTarget::Expression("slow(\"userId\")".into()).into();
        assert_state(database, &create("unseen_idx", definition.clone()), "building");
        blocker.execute("SELECT pg_advisory_unlock(4711)");
        builder.join().expect("the build");
        assert_state(database, &create("unseen_idx", definition), "ok");
    });
}

#[test]
fn a_role_without_privileges_compares_what_it_can() {
    on_each_version("verify_nobody", |database| {
        let role = format!("{}_nobody", database.name());
        database.execute(&format!("CREATE ROLE {role} LOGIN"));
        database.execute("CREATE INDEX plain_idx ON orders (\"userId\"); CREATE INDEX null_idx ON orders (code) WHERE deleted_at IS NULL;
                          CREATE INDEX lower_idx ON orders (lower(email))");
        let url = with_user(database, &role);
        assert_state_as(&url, database, &plain("plain_idx"), "ok");
        let mut definition = IndexDefinition::btree(["code"]);
        definition.predicate = Some("deleted_at IS NULL".into());
        assert_state_as(&url, database, &create("null_idx", definition), "ok");
        let mut definition = IndexDefinition::btree(["email"]);
        definition.key_columns[0] = IndexTarget::Expression("lower(email)".into()).into();
        assert_state_as(&url, database, &create("lower_idx", definition.clone()), "not_comparable");
        assert_state(database, &create("lower_idx", definition), "ok");
        database.execute(&format!("DROP ROLE {role}"));
    });
}

#[test]
fn a_locked_relation_is_inconclusive() {
    let database = support::database("verify_locked", SCHEMA);
    database.execute("CREATE INDEX plain_idx ON orders (\"userId\")");
    let blocker = database.connect();
    blocker.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    let workload = workload(vec![table(1, &orders(), vec![])], vec![statement("SELECT 1")]);
    let manifest = bundle(&[plain("plain_idx")], &workload).manifest;
    let mut session = Session::connect(&Target::resolve(Some(&database.url())).expect("a target")).expect("a session");
    let error = judge(&mut session, &manifest, "shop").expect_err("a locked relation");
    assert_eq!(error.kind().exit_code(), 6, "{error}");
    blocker.execute("ROLLBACK");
    assert_eq!(judge(&mut session, &manifest, "shop").map(|verdict| verdict.exit_code()), Ok(0));
}

/// The database's connection string for another role, who logs in by trust as everybody does on these servers.
fn with_user(database: &Database, role: &str) -> String {
    database.url().replace("user=postgres", &format!("user={role}")).replace("://postgres@", &format!("://{role}@"))
}

fn wait_until(database: &Database, condition: &str) {
    let start = Instant::now();
    while database.value(&format!("SELECT ({condition})::text")) != "true" {
        assert!(start.elapsed() < Duration::from_secs(30), "never: {condition}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
