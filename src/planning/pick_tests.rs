//! Which values are picked for which places, and what takes their place when the server refuses them.

use std::collections::BTreeMap;

use super::*;
use crate::pg::RelationName;
use crate::snapshot::{Persistence, Relation, RelationKind, TypeName};
use crate::sql;
use crate::workload::{VariantKind, test_workload};

fn column(name: &str, type_sql: &str, category: char, statistics: ColumnStatistics) -> Column {
    Column {
        number: 1,
        name: name.to_owned(),
        type_sql: type_sql.to_owned(),
        base_type: TypeName { schema: "pg_catalog".to_owned(), name: type_sql.to_owned(), category, length: -1 },
        is_not_null: true,
        is_generated: false,
        default: None,
        not_null_limit: None,
        collation: None,
        collation_is_c: false,
        has_btree_opclass: true,
        statistics: Some(statistics),
        inherited_statistics: None,
    }
}

fn histogram(bounds: &[&str]) -> ColumnStatistics {
    let histogram_bounds = bounds.iter().map(|bound| (*bound).to_owned()).collect();
    ColumnStatistics { histogram_bounds, ..ColumnStatistics::default() }
}

/// A database with one table of everything.
fn snapshot() -> Snapshot {
    let tags =
        ColumnStatistics { most_common_elements: vec!["blue".into(), "red".into()], ..ColumnStatistics::default() };
    let columns = vec![
        column("id", "integer", 'N', histogram(&["1", "5", "9"])),
        column("at", "timestamp with time zone", 'D', histogram(&["2024-01-01", "2024-01-02", "2024-01-03"])),
        column("mood", "app.mood", 'E', histogram(&["happy", "sad"])),
        column("name", "text", 'S', histogram(&["anna", "bertha", "carla"])),
        column("tags", "text[]", 'A', tags),
        column("document", "jsonb", 'U', histogram(&["{}", "{\"color\": \"red\"}", "{\"x\": 1}"])),
    ];
    let relation = Relation {
        oid: Oid(1),
        name: RelationName::new("public", "things"),
        kind: RelationKind::Table,
        persistence: Persistence::Permanent,
        owner: "app".to_owned(),
        extension: None,
        is_partition: false,
        parent: None,
        partition_key: None,
        has_row_security: false,
        can_select: true,
        is_locked: false,
        options: Vec::new(),
        n_pages: 10,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: None,
        n_rows: Some(1000.0),
        n_all_visible_pages: 0,
        columns,
        indexes: Vec::new(),
        constraints: Vec::new(),
        extended_statistics: Vec::new(),
        activity: None,
        view_definition: None,
        declaration: Default::default(),
    };
    Snapshot { relations: vec![relation], ..test_workload::snapshot() }
}

fn picked(text: &str, types: &[&str]) -> BTreeMap<u32, Picked> {
    let snapshot = snapshot();
    let picker = Picker::new(&snapshot);
    let typed = Typed { text: text.to_owned(), types: types.iter().map(|name| (*name).to_owned()).collect() };
    let uses = sql::parameters(text, picker.catalog()).expect("a text that parses");
    let uses = uses.into_iter().map(|parameter| (parameter.number, parameter)).collect();
    picker.values(&typed, &uses, &test_workload::statement(1, 10.0, None, None))
}

fn values(text: &str, types: &[&str]) -> Vec<String> {
    picked(text, types).values().map(|value| value.sql().to_owned()).collect()
}

#[test]
fn values_fit_their_places() {
    for (condition, types, expected) in [
        ("id = $1 AND mood = $2", vec!["integer", "app.mood"], vec!["'5'::integer", "'sad'::app.mood"]),
        ("id IN ($1, $2)", vec!["integer", "integer"], vec!["'5'::integer", "'1'::integer"]),
        ("id = ANY ($1)", vec!["integer[]"], vec!["'{\"1\",\"5\",\"9\"}'::integer[]"]),
        ("name LIKE $1", vec!["text"], vec!["'bert%'::text"]),
        ("name ~ $1", vec!["text"], vec!["'^bert'::text"]),
        ("tags @> $1", vec!["text[]"], vec!["'{\"red\"}'::text[]"]),
        ("document @> $1", vec!["jsonb"], vec!["'{\"color\":\"red\"}'::jsonb"]),
        ("document ->> 'color' = $1", vec!["text"], vec!["'red'::text"]),
        (
            "id > $1 LIMIT $2 OFFSET $3",
            vec!["integer", "bigint", "bigint"],
            vec!["'5'::integer", "'20'::bigint", "'0'::bigint"],
        ),
        (
            "at >= $1 AND at < $2",
            vec!["timestamp with time zone"; 2],
            vec!["'2024-01-02'::timestamp with time zone", "'2024-01-03'::timestamp with time zone"],
        ),
        ("at > date_trunc($1, now())", vec!["text"], vec!["'day'::text"]),
    ] {
        assert_eq!(values(&format!("SELECT * FROM things WHERE {condition}"), &types), expected, "{condition}");
    }
}

#[test]
fn variants_have_the_most_common_the_rarest_and_no_value() {
    let mut snapshot = snapshot();
    let name = snapshot.relations[0].columns.iter_mut().find(|column| column.name == "name").expect("a column");
    name.statistics = Some(ColumnStatistics {
        n_distinct: 100.0,
        most_common_values: vec!["anna".into(), "o'hara".into()],
        most_common_frequencies: vec![0.05, 0.25],
        ..histogram(&["bertha", "carla", "dora"])
    });
    let picker = Picker::new(&snapshot);
    let variants = |text: &str, types: &[&str]| {
        let typed = Typed { text: text.to_owned(), types: types.iter().map(|name| (*name).to_owned()).collect() };
        let uses = sql::parameters(text, picker.catalog()).expect("a text that parses");
        let uses = uses.into_iter().map(|parameter| (parameter.number, parameter)).collect();
        let values = picker.values(&typed, &uses, &test_workload::statement(1, 10.0, None, None));
        let variants = crate::planning::variants::variants(&picker, &typed, &uses, &values);
        variants.into_iter().map(|variant| (variant.kind, variant.share, variant.text)).collect::<Vec<_>>()
    };
    let select = "SELECT * FROM things WHERE";
    let name_and_id = variants(&format!("{select} name = $1 AND id > $2"), &["text", "integer"]);
    assert_eq!(
        name_and_id,
        [
            // The typical value is a rare one already.
            (VariantKind::Common, Some(0.25), format!("{select} name = ('o''hara'::text) AND id > ('5'::integer)")),
            (VariantKind::Generic, None, format!("{select} name = $1 AND id > $2")),
        ]
    );
    let list = variants(&format!("{select} name IN ($1, $2)"), &["text", "text"]);
    assert_eq!(list[0].2, format!("{select} name IN (('o''hara'::text), ('anna'::text))"));
    let array = variants(&format!("{select} name = ANY ($1)"), &["text[]"]);
    assert_eq!(array[0].2, format!("{select} name = ANY (('{{\"o''hara\",\"anna\"}}'::text[]))"));
    let kinds = |text: &str, types: &[&str]| variants(text, types).into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert_eq!(kinds(&format!("{select} id = $1"), &["integer"]), [VariantKind::Generic], "all as frequent");
    assert_eq!(kinds(&format!("{select} name LIKE $1"), &["text"]), [VariantKind::Generic]);
}

#[test]
fn a_time_that_is_compared_with_nothing_is_that_of_its_neighbour() {
    let text = "SELECT * FROM things WHERE at >= $1 AND at < CAST($2 AS date) + CAST($3 AS interval)";
    let types = ["timestamp with time zone", "date", "interval"];
    assert_eq!(values(text, &types)[1..], ["'2024-01-02'::date", "'7 days'::interval"]);
}

#[test]
fn values_of_unknown_types_are_borrowed_from_a_column() {
    let text = "INSERT INTO things (mood, name) VALUES ($1, $2)";
    assert_eq!(values(text, &["app.mood", "geometry"]), ["'sad'::app.mood"]);
}

#[test]
fn the_value_that_was_refused_gives_way_first() {
    let mut values = picked("SELECT $1, name FROM things WHERE id = $2", &["text", "integer"]);
    assert!(Picker::replace(&mut values, Some(2)));
    assert_eq!(values[&2].sql(), "'1'::integer");
    assert!(Picker::replace(&mut values, Some(2)));
    assert!(!values.contains_key(&2), "without candidates it stays a parameter");
    // Where the server does not say which: the guesses, one after the other.
    let texts: Vec<String> = std::iter::from_fn(|| {
        Picker::replace(&mut values, None).then(|| values.get(&1).map(|value| value.sql().to_owned())).flatten()
    })
    .collect();
    assert_eq!(texts, ["'1'::text", "'day'::text", "'UTC'::text", "'{}'::text"]);
    assert!(!Picker::replace(&mut values, None));
}

#[test]
fn a_limit_is_what_every_call_returned() {
    let mut statement = test_workload::statement(1, 10.0, None, None);
    for (n_rows, expected) in
        [(None, 20.0), (Some(10.0), 1.0), (Some(50.0), 5.0), (Some(12.0), 20.0), (Some(305.0), 31.0), (Some(0.0), 20.0)]
    {
        statement.n_rows = n_rows;
        assert_eq!(limit(&statement), expected, "{n_rows:?}");
    }
}
