//! A database with a schema for each tenant: one recommendation for all that need it, and none that is mixed up.

use crate::support;
use crate::support::cli::Desk;

const SCHEMA: &str = "DO $$ BEGIN FOR i IN 1..4 LOOP
        EXECUTE format('CREATE SCHEMA t%s; CREATE TABLE t%1$s.o (id bigint PRIMARY KEY, a int, note text);
            INSERT INTO t%1$s.o SELECT g, g %% 5000, ''x'' FROM generate_series(1, 20000) g; ANALYZE t%1$s.o', i);
    END LOOP; END $$;
    CREATE SCHEMA billing; CREATE TABLE billing.o (id bigint PRIMARY KEY);
    CREATE INDEX o_a_note ON t4.o (a, note); CREATE INDEX o_old ON t4.o (note);
    CREATE INDEX o_old ON t1.o (note, id); CREATE INDEX o_a_idx ON t3.o (note, id); CREATE INDEX o_wide ON t4.o (note, a)";

const WORKLOAD: &str = "-- calls: 10\nSELECT * FROM t1.o WHERE a = 7;\n-- calls: 30\nSELECT * FROM t2.o WHERE a = 7;\n\
                        -- calls: 20\nSELECT id FROM t1.o WHERE note = 'y';\n";

#[test]
fn what_is_the_same_in_several_schemas_is_one_recommendation() {
    let database = support::database("tenants", SCHEMA);
    let desk = Desk::new();
    desk.write("w.sql", WORKLOAD);
    let workload = ["--no-emit", "--only-workload", "--workload", "w.sql"];
    let report = desk.analyze(&database.url(), &workload).json();
    let advice = report["advice"].as_array().expect("advice");
    let shown: Vec<String> =
        advice.iter().map(|one| format!("{} {} {}", one["action"], one["id"], one["group"]).replace('"', "")).collect();
    let expected = ["create_index t2.o_a_idx 1", "create_index t1.o_a_idx 1", "drop_index o_old null"];
    assert_eq!(shown, expected, "{report:#}");
    for (calls, advised) in [(10.0, "t1.o_a_idx"), (30.0, "t2.o_a_idx")] {
        let served = report["statements"].as_array().into_iter().flatten().find(|one| one["calls"] == calls);
        assert_eq!(served.expect("a statement")["advice"], serde_json::json!([advised]), "{report:#}");
    }
    let by_old = report["statements"].as_array().into_iter().flatten().find(|one| one["calls"] == 20.0);
    let by_old = by_old.expect("a statement");
    assert_eq!(by_old["indexes"], serde_json::json!(["o_old"]), "{by_old:#}");
    let reason = by_old["reason"].as_str().expect("a reason");
    assert!(!reason.contains("proposes to drop"), "that is the index of another schema: {reason}");
    let run = desk.run(&[&["analyze", &database.url()], &workload[..]].concat());
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("o in 2 schemas"), "{}", run.stdout);
    assert!(text.contains("and the same in schema t1 (numbers 1 to 2)"), "{}", run.stdout);
    assert!(text.contains("not in schema t3: no statement that was seen asks for it there"), "{}", run.stdout);
}
