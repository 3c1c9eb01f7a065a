//! Shapes of statements against `fixtures/shapes/*.md`, over a real catalog. Every statement is prepared on the server
//! as well, so that none is in the fixtures that PostgreSQL would not run.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pgadvise::snapshot::Catalog;
use pgadvise::sql::{ShapeError, describe, for_server, shape};

use super::support::{Session, database, expect, snapshot};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shapes")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("a fixture")
}

/// The file with every `text` block made anew from the `sql` block before it.
fn rewritten(text: &str, shape_of: &dyn Fn(&str) -> String) -> String {
    let mut lines = text.lines();
    let mut written = String::new();
    while let Some(line) = lines.next() {
        let _ = writeln!(written, "{line}");
        if line == "```sql" {
            let statement = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
            let _ = writeln!(written, "{statement}\n```\n```text\n{}```", shape_of(&statement));
            let rest: Vec<&str> = lines.clone().take(1).collect();
            if rest == ["```text"] {
                lines.by_ref().find(|line| *line == "```");
            }
        }
    }
    written
}

/// What the server says against the statement; nothing when it takes it.
fn rejection(session: &Session, statement: &str) -> Option<String> {
    let error = session.try_execute(&format!("PREPARE tried AS {}", for_server(statement))).err();
    if error.is_none() {
        session.execute("DEALLOCATE tried");
    }
    error.map(|error| error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
}

#[test]
fn shapes_are_as_the_fixtures_say() {
    let database = database("shapes", &read("schema.sql"));
    let snapshot = snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    let session = database.connect();
    let rejected = RefCell::new(Vec::new());
    let shape_of = |statement: &str| match shape(statement, &catalog) {
        Ok(shape) => {
            if let Some(message) = rejection(&session, statement) {
                rejected.borrow_mut().push(format!("{message}: {statement}"));
            }
            describe(&shape, &catalog)
        }
        Err(error @ (ShapeError::UnknownRelation(_) | ShapeError::UnknownColumn(_))) => format!("unknown: {error}\n"),
        Err(error) => format!("no shape: {error}\n"),
    };
    let mut names: Vec<_> =
        std::fs::read_dir(folder()).expect("the fixtures").map(|entry| entry.expect("a file").path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md"));
    names.sort();
    assert!(!names.is_empty(), "no fixtures");
    for path in names {
        let text = std::fs::read_to_string(&path).expect("a fixture");
        expect::file(&path, &rewritten(&text, &shape_of));
    }
    assert_eq!(rejected.into_inner(), Vec::<String>::new(), "statements that the server rejects");
}
