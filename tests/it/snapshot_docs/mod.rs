//! What docs/snapshot.md says that a snapshot holds, field by field, and what `--redact` leaves of it, is what the structs
//! and the code say.

mod instance;
mod page;
mod redacted;

use std::path::Path;

use pgadvise::redaction::redact;
use pgadvise::snapshot::Snapshot;
use serde_json::Value;

use crate::support;

/// Between these lines stands what is generated.
const BEGIN: &str = "<!-- fields: generated from the structs' doc comments -->\n";
const END: &str = "<!-- end of fields -->\n";

fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Snapshot)).expect("a schema")
}

#[test]
fn every_field_is_documented_with_what_redaction_does_to_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/snapshot.md");
    let text = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = text.split_once(BEGIN).expect("where the fields begin");
    let (_, after) = rest.split_once(END).expect("where the fields end");
    let schema = schema();
    let fields = page::fields(&schema, &redacted::fates(&schema));
    support::expect::file(&path, &format!("{before}{BEGIN}\n{fields}{END}{after}"));
}

/// A snapshot in which every text is a literal, every list has a member and nothing is missing, once with each variant
/// of each enum: it shows what becomes of every field, also of those that no test database fills.
#[test]
fn a_snapshot_of_the_documented_form_is_read() {
    let schema = schema();
    for round in 0..instance::rounds(&schema) {
        let json = instance::of(&schema, round);
        let mut snapshot: Snapshot = serde_json::from_value(json.clone()).expect("the form that the schema describes");
        assert_eq!(serde_json::to_value(&snapshot).expect("JSON"), json, "everything that is written is described");
        redact(&mut snapshot);
        let once = serde_json::to_value(&snapshot).expect("JSON");
        redact(&mut snapshot);
        assert_eq!(serde_json::to_value(&snapshot).expect("JSON"), once, "redacting again changes nothing");
    }
}

/// The texts that a redacted snapshot has left, by field: whoever adds one looks at it here.
#[test]
fn what_the_user_wrote_as_a_value_goes() {
    let fates = redacted::fates(&schema());
    for (owner, field) in [
        ("ColumnStatistics", "most_common_values"),
        ("ColumnStatistics", "histogram_bounds"),
        ("ColumnStatistics", "most_common_elements"),
        ("ColumnStatistics", "range_length_histogram"),
        ("ColumnStatistics", "range_bounds_histogram"),
        ("ExtendedImage", "most_common_values"),
        ("Snapshot", "plans"),
    ] {
        assert_eq!(fates.of(owner, field), redacted::Fate::Removed, "{owner}.{field}");
    }
    for (owner, field) in [("Column", "default"), ("Function", "definition")] {
        assert_eq!(fates.of(owner, field), redacted::Fate::RemovedInPart, "{owner}.{field}");
    }
    assert_eq!(fates.of("StatementEntry", "text"), redacted::Fate::Changed);
    assert_eq!(fates.of("ColumnStatistics", "null_fraction"), redacted::Fate::Stays);
}
