//! `verify` with manifests that are cut, changed or hostile: a manifest comes from a repository, and whoever may change it
//! must not reach the database through it.

use std::path::Path;

use pgadvise::emit::Manifest;
use serde_json::{Value, json};

use crate::support::cli::{Desk, SHOP_WORKLOAD, fill_shop};
use crate::support::{self, Database};

/// Texts that would do harm if they were more than planned.
const HOSTILE: [&str; 8] = [
    "SELECT 1; DROP TABLE orders",
    "ANALYZE DELETE FROM orders",
    "(ANALYZE) DELETE FROM orders",
    "DROP TABLE orders",
    "SELECT 1 FROM orders); DROP TABLE orders; --",
    "a) FROM orders; DROP TABLE orders; --",
    "true; COMMIT; DROP TABLE orders",
    "(SELECT setval('counter', 99) > 0)",
];

/// The manifest of a shop, and where it was written.
fn manifest(desk: &Desk, url: &str) -> Value {
    desk.write("w.sql", SHOP_WORKLOAD);
    desk.analyze(url, &["--only-workload", "--workload", "w.sql"]);
    let file = desk.files().into_iter().find(|file| file.ends_with("manifest.json")).expect("a manifest");
    serde_json::from_str(&std::fs::read_to_string(desk.path().join(file)).expect("its text")).expect("JSON")
}

#[test]
fn hostile_manifests_reach_nothing() {
    let database = support::database_on(
        support::server_with_hypopg(),
        "hostile_manifest",
        "CREATE EXTENSION hypopg; CREATE SEQUENCE counter",
    );
    fill_shop(&database);
    let url = database.url();
    let desk = Desk::new();
    let honest = manifest(&desk, &url);
    let created = &honest["indexes"][0];
    assert!(created["statements"][0]["text"].is_string() && created["relation"]["name"].is_string(), "{created}");
    let name = created["name"].as_str().expect("a name").to_owned();
    // An index of another predicate has predicates compared; one that is as promised has statements planned.
    for (definition, places) in [
        ("(customer_id) WHERE id > 0", &["predicate", "name", "search_path", "relation", "database", "statistics"][..]),
        ("(customer_id)", &["text"]),
    ] {
        database.execute(&format!("DROP INDEX IF EXISTS {name}; CREATE INDEX {name} ON orders {definition}"));
        reaches_nothing(&database, &desk, &honest, places);
    }
}

fn reaches_nothing(database: &Database, desk: &Desk, honest: &Value, places: &[&str]) {
    let url = database.url();
    let state = "SELECT (SELECT count(*) FROM orders) || ' ' || (SELECT count(*) FROM customer) || ' '
        || (SELECT last_value FROM counter) || ' ' || (SELECT count(*) FROM pg_class)";
    let before = database.value(state);
    for (i, hostile) in HOSTILE.iter().enumerate() {
        for place in places {
            let mut changed = honest.clone();
            change(&mut changed, place, hostile);
            let file = format!("{place}_{i}.json");
            desk.write(&file, &changed.to_string());
            let run = desk.run(&["verify", &url, "--manifest", &file]);
            assert!(matches!(run.code, Some(0 | 1 | 2 | 4 | 6)), "{place} {hostile}: {run:?}");
            assert_eq!(database.value(state), before, "{place} {hostile}: {run:?}");
        }
    }
}

/// Puts `text` into one kind of place of every index of a manifest, or into all those of a statistics object.
fn change(manifest: &mut Value, place: &str, text: &str) {
    if place == "database" || place == "search_path" {
        assert!(manifest.get(place).is_some(), "no field {place}: {manifest}");
        manifest[place] = if place == "database" { json!(text) } else { json!([text, text]) };
        return;
    }
    if place == "statistics" {
        let in_place = |relation: &str, name: &str, columns: [&str; 2]| {
            json!({
                "definition": {
                    "name": name,
                    "relation": { "schema": "public", "name": relation },
                    "columns": columns,
                    "kinds": ["mcv"],
                },
                "migration": text, "rollback": text, "statements": [],
            })
        };
        manifest[place] = json!([
            in_place("orders", text, ["customer_id", "id"]),
            in_place("orders", "orders_stats", [text, text]),
            in_place(text, "orders_stats", ["customer_id", "id"]),
        ]);
        return;
    }
    for index in manifest["indexes"].as_array_mut().expect("indexes") {
        match place {
            "text" => index["statements"].as_array_mut().into_iter().flatten().for_each(|s| s["text"] = json!(text)),
            "predicate" => index["definition"]["predicate"] = json!(text),
            "name" => index["name"] = json!(text),
            _ => index["relation"] = json!({ "schema": "public", "name": text }),
        }
    }
}

#[test]
fn cut_and_changed_manifests_are_refused_or_read() {
    let database = support::database_on(support::server_with_hypopg(), "cut_manifest", "CREATE EXTENSION hypopg");
    fill_shop(&database);
    let text = manifest(&Desk::new(), &database.url()).to_string();
    let path = Path::new("manifest.json");
    assert!(Manifest::parse(&text, path).is_ok());
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let error = Manifest::parse(&text[..end], path).expect_err("half of a manifest");
        assert_eq!(error.kind().exit_code(), 4);
        assert!(error.hint().is_some());
    }
    for at in (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii()) {
        for byte in ["0", "\"", "{", "null", "\\u0000", "-1e999"] {
            let changed = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
            if let Err(error) = Manifest::parse(&changed, path) {
                assert_eq!(error.kind().exit_code(), 4, "{changed}");
            }
        }
    }
    let deep = format!("{{\"manifest_version\": 1, \"indexes\": {}", "[".repeat(200_000));
    assert!(Manifest::parse(&deep, path).is_err());
}
