//! Databases that are not like the textbook's: names of every kind, many schemas, many relations; and choosing among them.

use crate::support::cli::{Desk, Run};
use crate::support::{self, Database};

/// 63 bytes, the longest that a name can have.
const LONGEST: &str = "a_name_that_is_as_long_as_postgresql_lets_a_name_be_x_x_x_x_x_x";

/// Names that have to be quoted, and more; none of them may get out of its place.
const NAMES: [&str; 10] = [
    "Order Items",
    "user",
    "größe€",
    "it's \"quoted\"",
    "a.b",
    "semi;colon -- $$ */",
    "back\\slash",
    "tab\tand\nline",
    "\u{1b}[31mred\u{202e}\u{7f}",
    LONGEST,
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn database(name: &str, setup: &str) -> Database {
    let database = support::database_on(support::server_with_hypopg(), name, "CREATE EXTENSION hypopg");
    database.execute(setup);
    database.execute("VACUUM");
    database.execute("ANALYZE");
    database
}

/// A table of 20,000 rows in which `column` is worth an index.
fn table(schema: &str, name: &str, column: &str) -> String {
    let (schema, name, column) = (quoted(schema), quoted(name), quoted(column));
    format!(
        "CREATE TABLE {schema}.{name} AS SELECT g AS id, g % 2000 AS {column}, g AS other, 'x' || g AS filler
             FROM generate_series(1, 20000) g;\n"
    )
}

fn apply(database: &Database, run: &Run) {
    for step in run.json()["advice"].as_array().expect("advice") {
        for ddl in step["ddl"].as_array().expect("ddl") {
            database.execute(ddl.as_str().expect("a statement"));
        }
    }
}

#[test]
fn names_of_every_kind_are_quoted_as_postgresql_quotes() {
    let setup: String = NAMES.iter().map(|name| table("public", name, name)).collect();
    let database = database("names", &setup);
    let desk = Desk::new();
    let statements: String =
        NAMES.iter().map(|name| format!("-- calls: 100\nSELECT * FROM {0} WHERE {0} = 42;\n", quoted(name))).collect();
    desk.write("w.sql", &statements);
    let url = database.url();
    let run = desk.analyze(&url, &["--only-workload", "--workload", "w.sql"]);
    let steps = run.json()["advice"].as_array().expect("advice").len();
    assert_eq!(steps, NAMES.len(), "{:#?}\n{:#?}", run.ddl(), run.gaps());
    let text = desk.run(&["analyze", &url, "--only-workload", "--workload", "w.sql", "--no-emit"]);
    let drives_terminal = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert_eq!(text.stdout.find(drives_terminal), None, "no control character reaches a terminal");
    apply(&database, &run);
    let verified = desk.run(&["verify", &url]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let longest = database.value(
        "SELECT max(octet_length(relname)) FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace",
    );
    assert!(longest.parse::<u32>().expect("a number") <= 63);
    assert_eq!(desk.analyze(&url, &["--no-emit", "--only-workload", "--workload", "w.sql"]).ddl(), [""; 0]);
}

#[test]
fn the_same_name_in_several_schemas() {
    let setup = ["public", "tenant_a", "Tenant B"].map(|schema| {
        format!("CREATE SCHEMA IF NOT EXISTS {}; {}", quoted(schema), table(schema, "orders", "customer_id"))
    });
    let database = database("schemas", &setup.concat());
    database.execute("CREATE INDEX ON public.orders (customer_id)");
    let desk = Desk::new();
    desk.write(
        "w.sql",
        "-- calls: 100\nSELECT * FROM orders WHERE customer_id = 1;\n\
         -- calls: 100\nSELECT * FROM tenant_a.orders WHERE customer_id = 1;\n\
         -- calls: 100\nSELECT * FROM \"Tenant B\".orders WHERE customer_id = 1;\n",
    );
    let url = database.url();
    let run =
        |more: &[&str]| desk.analyze(&url, &[&["--only-workload", "--workload", "w.sql", "--no-emit"], more].concat());
    let relations = |run: &Run| -> Vec<String> {
        let report = run.json();
        let mut relations: Vec<String> = report["advice"]
            .as_array()
            .expect("advice")
            .iter()
            .map(|step| step["relation"]["schema"].as_str().expect("a schema").to_owned())
            .collect();
        relations.sort();
        relations
    };
    assert_eq!(relations(&run(&[])), ["Tenant B", "tenant_a"], "public's orders have their index");
    assert_eq!(relations(&run(&["--schema", "tenant_a"])), ["tenant_a"]);
    assert_eq!(relations(&run(&["--include", "Tenant B.orders"])), ["Tenant B"]);
    assert_eq!(relations(&run(&["--exclude", "tenant_a.orders"])), ["Tenant B"]);
    assert_eq!(relations(&run(&["--exclude", "orders"])), [""; 0]);
    // A name that no relation bears is a typing error, not a wish for nothing.
    for argument in [["--include", "ordres"], ["--schema", "tenant_c"], ["--exclude", "public.ordres"]] {
        let mistaken =
            desk.try_analyze(&url, &[&["--only-workload", "--workload", "w.sql", "--no-emit"], &argument[..]].concat());
        assert!(
            mistaken.stderr.contains(argument[1]) || mistaken.gaps().iter().any(|gap| gap.contains(argument[1])),
            "{mistaken:?}"
        );
    }
}

#[test]
fn the_schema_of_the_url_and_the_search_path_resolve_names() {
    let tables = ["app", "archive"].map(|schema| table(schema, "orders", "customer_id"));
    let setup = format!("CREATE SCHEMA app; CREATE SCHEMA archive; {}", tables.concat());
    let database = database("search_path", &setup);
    let desk = Desk::new();
    desk.write("w.sql", "-- calls: 100\nSELECT * FROM orders WHERE customer_id = 1;\n");
    let arguments = ["--only-workload", "--workload", "w.sql", "--no-emit"];
    let lost = desk.analyze(&database.url(), &arguments);
    lost.has_gap(&["statement w.sql:2:", "orders"]);
    let url = format!("{}&schema=app&connection_limit=5", database.url());
    desk.analyze(&url, &arguments).advises("ON app.orders USING btree (customer_id");
    database.execute(&format!("ALTER DATABASE \"{}\" SET search_path = app, public", database.name()));
    desk.analyze(&database.url(), &arguments).advises("ON app.orders USING btree (customer_id");
}

#[test]
fn five_hundred_relations() {
    let database = database(
        "many",
        "DO $$ BEGIN FOR i IN 1..500 LOOP
             EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a int, b text)', i);
         END LOOP; END $$;
         INSERT INTO t250 SELECT g, g % 500, repeat('x', 50) FROM generate_series(1, 20000) g",
    );
    let desk = Desk::new();
    desk.write(
        "w.sql",
        "-- calls: 100\nSELECT * FROM t250 WHERE a = 7;\nSELECT * FROM t1 JOIN t2 USING (id) WHERE t1.a = 1;",
    );
    let run = desk.analyze(&database.url(), &["--only-workload", "--workload", "w.sql", "--no-emit"]);
    run.advises("ON public.t250 USING btree (a");
    assert_eq!(run.ddl().len(), 1);
}

#[test]
fn relations_of_every_kind() {
    let database = database(
        "kinds",
        "CREATE TABLE part (id int, day date, a int, filler text) PARTITION BY RANGE (day);
         CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
         CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
         INSERT INTO part SELECT g, date '2026-01-01' + g % 50, g % 3000, 'x' || g FROM generate_series(1, 30000) g;
         CREATE TABLE plain AS SELECT g AS id, g % 3000 AS a, 'x' || g AS filler FROM generate_series(1, 30000) g;
         CREATE VIEW seen AS SELECT id, a AS renamed FROM plain;
         CREATE MATERIALIZED VIEW kept AS SELECT id, a FROM plain;
         CREATE UNLOGGED TABLE unlogged AS SELECT * FROM plain;
         CREATE TABLE parent (id int, a int); CREATE TABLE child () INHERITS (parent);
         CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
         CREATE FOREIGN TABLE far (id int, a int) SERVER nowhere;
         CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY, a int, b int GENERATED ALWAYS AS (a * 2) STORED);
         CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
         CREATE TABLE typed (id int, m mood, p positive, r int4range, j jsonb, u uuid, t int[]);
         INSERT INTO typed SELECT g, 'sad', g, int4range(g, g + 1), '{}', gen_random_uuid(), ARRAY[g]
             FROM generate_series(1, 20000) g",
    );
    let desk = Desk::new();
    desk.write(
        "w.sql",
        "-- calls: 50\nSELECT * FROM part WHERE a = 1;
         -- calls: 50\nSELECT * FROM seen WHERE renamed = 5;
         -- calls: 50\nSELECT * FROM kept WHERE a = 5;
         -- calls: 50\nSELECT * FROM unlogged WHERE a = 5;
         SELECT * FROM parent WHERE a = 5;
         SELECT * FROM far WHERE a = 5;
         SELECT * FROM generated WHERE b = 4;
         -- calls: 50\nSELECT * FROM typed WHERE p = 5;
         -- calls: 50\nSELECT * FROM typed WHERE u = '00000000-0000-0000-0000-000000000000';
         SELECT * FROM typed WHERE m = 'happy' AND r @> 5 AND j ? 'k' AND 3 = ANY (t);
         SELECT * FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relname = 'x';
         SELECT * FROM generate_series(1, 10) g JOIN plain ON plain.id = g;",
    );
    let run = desk.analyze(&database.url(), &["--only-workload", "--workload", "w.sql"]);
    for words in [
        "ON public.plain USING btree (a",
        "ON public.kept USING btree (a",
        "ON public.typed USING btree (p",
        "ON public.typed USING btree (u",
    ] {
        run.advises(words);
    }
    assert!(run.ddl().iter().all(|ddl| !ddl.contains("pg_class") && !ddl.contains("far")), "{:?}", run.ddl());
    // An index on a partitioned table cannot be built concurrently: whatever is advised there says so or is a gap.
    let about_partitions = run.stdout.contains("part");
    assert!(about_partitions, "{run:?}");
    assert_eq!(desk.run(&["analyze", &database.url(), "--no-emit"]).code, Some(0));
}
