//! Shapes of statements against `fixtures/shapes/*.md`, over a real catalog. Every statement is prepared on the server
//! as well, so that none is in the fixtures that PostgreSQL would not run.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pgadvise::snapshot::Catalog;
use pgadvise::sql::{ParameterPlace, ParameterUse, ShapeError, describe, for_server, parameters, shape};

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

/// A parameter in a few words.
fn shown(parameter: &ParameterUse) -> String {
    let place = match &parameter.place {
        ParameterPlace::Compared { target, comparison, is_array, .. } => {
            format!("{target} {comparison:?}{}", if *is_array { " array" } else { "" })
        }
        ParameterPlace::Inserted { column, .. } => format!("inserted {column}"),
        ParameterPlace::Set { column, .. } => format!("set {column}"),
        ParameterPlace::Argument { function, position } => format!("{function} {position}"),
        place => format!("{place:?}"),
    };
    let cast = parameter.cast.as_ref().map(|cast| format!(" as {cast}")).unwrap_or_default();
    let end = parameter.other_end.map(|end| format!(" with {end}")).unwrap_or_default();
    format!("{}: {place}{cast}{end}", parameter.number)
}

#[test]
fn parameters_are_known_by_where_they_stand() {
    let database = database("parameters", &read("schema.sql"));
    let snapshot = snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    for (statement, expected) in [
        (
            "SELECT $1, id FROM orders WHERE customer_id = $2 AND created_at >= $3 AND created_at < $4 + interval $5 LIMIT $6 OFFSET $7",
            "1: Unknown | 2: customer_id Equal | 3: created_at GreaterOrEqual | 4: Unknown | 5: Interval as interval | 6: Limit | 7: Offset",
        ),
        (
            "SELECT 1 FROM orders o WHERE o.total BETWEEN $2 AND $1",
            "1: total LessOrEqual with 2 | 2: total GreaterOrEqual with 1",
        ),
        (
            "SELECT 1 FROM customers WHERE lower(email) = lower($1) AND name LIKE $2 || '%' AND id = ANY ($3::bigint[]) AND country IN ($4, $5)",
            "1: (lower(email)) Equal | 2: name LikePrefix | 3: id In array as bigint[] | 4: country In | 5: country In",
        ),
        (
            "SELECT date_trunc($1, created_at), extract($2 from created_at) FROM orders WHERE coalesce(note, $3) = $4 AND $5 = region_id",
            "1: DateField | 2: DateField as text | 3: coalesce 1 | 4: (coalesce(note, $3)) Equal | 5: region_id Equal",
        ),
        (
            "INSERT INTO orders (id, customer_id, status) VALUES ($1, $2, lower($3))",
            "1: inserted id | 2: inserted customer_id | 3: lower 0",
        ),
        ("INSERT INTO categories VALUES ($1, NULL, $2::text, 0)", "1: inserted id | 2: inserted name as text"),
        (
            "UPDATE orders SET status = $1, total = total + $2 WHERE (customer_id, id) = ($3, $4)",
            "1: set status | 2: Unknown | 3: customer_id Equal | 4: id Equal",
        ),
        ("SELECT 1 FROM orders WHERE (created_at, id) < ($1, $2)", "1: created_at Less | 2: id Less"),
        ("SELECT 1 FROM products WHERE id IN ($1 /*, ... */)", "1: id In | 2: id In | 3: id In | 4: id In | 5: id In"),
        (
            "SELECT 1 FROM customers WHERE prefs @> $1 AND prefs ->> $2 = $3 AND $4 = ANY (tags)",
            "1: prefs Operator(\"@>\") | 2: Unknown | 3: (prefs ->> $2) Equal | 4: tags Operator(\"= ANY\")",
        ),
        (
            "SELECT id FROM orders UNION ALL SELECT id FROM customers WHERE name = $1 ORDER BY 1 LIMIT $2",
            "1: name Equal | 2: Limit",
        ),
    ] {
        let uses = parameters(statement, &catalog).unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert_eq!(uses.iter().map(shown).collect::<Vec<_>>().join(" | "), expected, "{statement}");
    }
}
