//! What the target's own code may do in the shadow: nothing outside its database. Every word of a snapshot can be hostile.

use pgadvise::db::Session;
use pgadvise::pg::{IndexDefinition, Oid, RelationName};
use pgadvise::server::Search;
use pgadvise::snapshot::Snapshot;
use pgadvise::snapshot::schema::{DataType, Domain, Function, FunctionKind, Role, TypeKind};
use pgadvise::whatif::{Planner, Shadow};

use crate::support;
use crate::support::whatif::{candidate, workload};

const SCHEMA: &str = "
    CREATE TABLE accounts (id int PRIMARY KEY, owner text, amount int);
    INSERT INTO accounts SELECT g, 'o' || g, g FROM generate_series(1, 5000) g;
    ANALYZE accounts;
";

/// A function that planning evaluates, and that leaves the database as soon as it is evaluated, or says with its SQLSTATE
/// why it could not. What is VOLATILE may do everything, also when a function that is not calls it.
fn escape(name: &str, attack: &str) -> Function {
    let body = format!("BEGIN {attack}; RETURN 'escaped'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END");
    let signature = RelationName::new("public", name);
    Function {
        oid: Oid(900_000),
        name: signature.clone(),
        identity_arguments: "a integer".to_owned(),
        arguments: "a integer".to_owned(),
        result: Some("text".to_owned()),
        extension: None,
        kind: FunctionKind::Function,
        language: "plpgsql".to_owned(),
        volatility: 'i',
        is_strict: false,
        is_leakproof: false,
        parallel: 's',
        cost: 100.0,
        n_rows: 0.0,
        takes_rows: false,
        definition: Some(format!(
            "CREATE FUNCTION {signature}_now() RETURNS text LANGUAGE plpgsql VOLATILE AS $body$ {body} $body$;
             CREATE FUNCTION {signature}(a integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
                 $body$ BEGIN RETURN {signature}_now(); END $body$"
        )),
    }
}

fn hostile(mut snapshot: Snapshot, file: &str) -> Snapshot {
    let program = format!("COPY (SELECT 1) TO PROGRAM ''touch {file}''");
    let attacks = [
        ("by_program", format!("EXECUTE '{program}'")),
        ("by_file", format!("EXECUTE 'COPY (SELECT 1) TO ''{file}'''")),
        ("by_reset", format!("RESET ROLE; EXECUTE '{program}'")),
        ("by_authorization", format!("SET SESSION AUTHORIZATION postgres; EXECUTE '{program}'")),
        ("by_role", format!("SET ROLE postgres; EXECUTE '{program}'")),
        ("by_boss", format!("SET ROLE boss; EXECUTE '{program}'")),
        ("by_server_role", format!("SET ROLE pg_execute_server_program; EXECUTE '{program}'")),
        ("by_catalog", "UPDATE pg_authid SET rolsuper = true".to_owned()),
    ];
    snapshot.schema.functions.extend(attacks.iter().map(|(name, attack)| escape(name, attack)));
    // A superuser of the target, who is a member of what opens programs.
    let memberships =
        vec![pgadvise::snapshot::schema::Membership { role: "pg_execute_server_program".to_owned(), inherits: true }];
    snapshot.schema.roles.push(Role {
        name: "boss".to_owned(),
        is_superuser: true,
        bypasses_row_security: false,
        memberships,
    });
    // Values of this domain are read to load statistics, which only a superuser may write.
    snapshot.schema.types.push(DataType {
        oid: Oid(900_001),
        name: RelationName::new("public", "checked"),
        extension: None,
        kind: TypeKind::Domain(Domain {
            base: "text".to_owned(),
            collation: None,
            is_not_null: false,
            default: None,
            checks: vec![("c".to_owned(), "CHECK (public.by_program_now() <> VALUE)".to_owned())],
        }),
    });
    for relation in &mut snapshot.relations {
        for column in relation.columns.iter_mut().filter(|column| column.name == "owner") {
            column.type_sql = "public.checked".to_owned();
        }
    }
    // Definitions of more than one statement: functions that the superuser's own queries would find first, and a check
    // that is there before values of its domain are read.
    let found_first = ["oid[]", "int4[]", "float8[]", "text[]"].map(|array| {
        let element = array.trim_end_matches("[]");
        format!(
            "CREATE FUNCTION public.unnest(a {array}) RETURNS SETOF {element} LANGUAGE plpgsql AS
                 $f$ BEGIN EXECUTE $p$COPY (SELECT 1) TO PROGRAM 'touch {file}'$p$; RETURN; END $f$"
        )
    });
    let early_check = "ALTER DOMAIN public.checked ADD CONSTRAINT early CHECK (public.by_program_now() IS NOT NULL)";
    let mut several = escape("several", "NULL");
    let definition = several.definition.take().expect("a definition");
    // A trusted extension is its creator's, who may say that the domain belongs to it.
    let adoption = "CREATE EXTENSION pg_trgm; ALTER EXTENSION pg_trgm ADD DOMAIN public.checked";
    several.definition = Some(format!("{definition}; {}; {early_check}; {adoption}", found_first.join("; ")));
    snapshot.schema.functions.push(several);
    // Two statements in the place of one.
    if let Some(relation) = snapshot.relations.first_mut() {
        relation.view_definition = None;
        relation.declaration.rules.push(format!("SELECT 1; COPY (SELECT 1) TO PROGRAM 'touch {file}'"));
    }
    snapshot
}

#[test]
fn a_hostile_snapshot_runs_nothing_on_this_machine() {
    for major in [15, support::versions().into_iter().max().expect("a version")] {
        let source = support::database_on(support::server(major), "shadow_safety", SCHEMA);
        let folder = tempfile::Builder::new().prefix("escape").tempdir().expect("a folder");
        // Whoever runs the shadow's server could write here.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("open");
        let file = folder.path().join("escaped");
        let snapshot = hostile(support::collected(&source.url()), file.to_str().expect("a path in UTF-8"));
        let binaries = Search::from_environment(None).expect("folders").find(Some(major)).expect("a server");
        let shadow = Shadow::start(&snapshot, &binaries, &|_| {}).expect("a shadow");

        let mut session = Session::connect(&shadow.target().expect("a target")).expect("a session");
        for name in [
            "by_program",
            "by_file",
            "by_reset",
            "by_authorization",
            "by_role",
            "by_boss",
            "by_server_role",
            "by_catalog",
        ] {
            let plan = session.read(&Default::default(), |transaction| {
                transaction.explain("EXPLAIN (VERBOSE) ", &format!("SELECT public.{name}(1)"))
            });
            let plan = plan.unwrap_or_else(|refused| panic!("{major} {name}: {refused:?}"));
            assert!(!plan.contains("escaped"), "{major} {name}: {plan}");
            // The function was there and was run: its answer is why it could not.
            assert!(plan.contains("42501") || plan.contains("25006"), "{major} {name}: {plan}");
        }
        assert!(!file.exists(), "{major}: the shadow ran a program");
        let gaps = shadow.gaps();
        assert!(!gaps.iter().any(|gap| gap.id.contains("several")), "{major}: the attack was not made: {gaps:?}");

        let workload = workload(&mut session, snapshot, &["SELECT * FROM accounts WHERE amount = 7"]);
        let mut planner = shadow.planner(&workload).expect("a planner");
        let wanted = candidate(&workload.snapshot, "accounts", IndexDefinition::btree(["amount"]));
        let declared = planner.declare(&[wanted]).expect("the shadow");
        assert!(declared[0].is_ok(), "{major}: {declared:?}");
        assert!(!file.exists(), "{major}: making a phantom ran a program");
    }
}
