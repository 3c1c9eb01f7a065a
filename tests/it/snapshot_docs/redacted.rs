//! What redaction does to each field, found by doing it.

use std::collections::BTreeMap;

use pgadvise::redaction::redact;
use pgadvise::snapshot::Snapshot;
use serde_json::Value;

use super::instance::{self, resolved, type_name, variants};

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It stays as it is.
    Stays,
    /// It is there with another content.
    Changed,
    /// It is emptied in some forms.
    RemovedInPart,
    /// It is emptied.
    Removed,
}

/// The fates of the fields, by struct and field.
pub struct Fates(BTreeMap<(String, String), Fate>);

impl Fates {
    pub fn of(&self, owner: &str, field: &str) -> Fate {
        self.0.get(&(owner.to_owned(), field.to_owned())).copied().unwrap_or(Fate::Stays)
    }
}

/// Redacts snapshots of every form and looks what has changed.
pub fn fates(schema: &Value) -> Fates {
    let mut fates = Fates(BTreeMap::new());
    for round in 0..instance::rounds(schema) {
        let before = instance::of(schema, round);
        let mut snapshot: Snapshot = serde_json::from_value(before.clone()).expect("a snapshot");
        redact(&mut snapshot);
        let after = serde_json::to_value(&snapshot).expect("JSON");
        compare(schema, schema, "Snapshot", (&before, &after), &mut fates);
    }
    fates
}

fn compare(root: &Value, schema: &Value, owner: &str, (before, after): (&Value, &Value), fates: &mut Fates) {
    let (name, schema) = resolved(root, schema);
    let owner = name.unwrap_or(owner);
    for variant in variants(schema) {
        compare(root, variant, owner, (before, after), fates);
    }
    if type_name(schema) == Some("array") {
        let pairs = before.as_array().into_iter().flatten().zip(after.as_array().into_iter().flatten());
        pairs.for_each(|pair| compare(root, &schema["items"], owner, pair, fates));
        return;
    }
    for (field, form) in schema["properties"].as_object().into_iter().flatten() {
        let Some(was) = before.get(field) else { continue };
        let is = &after[field];
        let is_empty = is.is_null() || is.as_array().is_some_and(Vec::is_empty) || is.as_str() == Some("");
        let fate = match is == was {
            true => Fate::Stays,
            false if is_empty => Fate::Removed,
            false => Fate::Changed,
        };
        let known = fates.0.entry((owner.to_owned(), field.clone())).or_insert(fate);
        *known = match (*known, fate) {
            (Fate::Removed, Fate::Removed) => Fate::Removed,
            (Fate::Removed | Fate::RemovedInPart, _) | (_, Fate::Removed) => Fate::RemovedInPart,
            (known, fate) => known.max(fate),
        };
        compare(root, form, owner, (was, is), fates);
    }
}
