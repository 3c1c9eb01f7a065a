//! The keys of jsonb documents, as `jsonb_ops` and `jsonb_path_ops` extract them (`jsonb_gin.c`): met in the documents
//! that ANALYZE kept, else guessed from their width, for there are no statistics of what is in them.

use serde_json::Value;

use super::document::{Growth, Key, Sample};
use super::pages::Keys;
use crate::pg::IndexColumn;
use crate::whatif::size::sample;
use crate::whatif::size::subject::Subject;

/// Longer keys are stored as a hash of 8 digits (`JGIN_MAXLENGTH`).
const KEY_BYTES_MAX: usize = 125;
const HASH_DIGITS: usize = 8;
/// A stored key begins with a header of one byte and a byte that says its kind.
const KEY_HEADER: usize = 2;
/// `jsonb_path_ops` stores hashes, as `int4`.
const PATH_BYTES: usize = 4;
/// A document of which nothing is known has one name and one value for so many bytes, as flat objects of short values do.
const BYTES_PER_MEMBER: f64 = 24.0;
/// Each of its values is taken to be in so many rows, and names in all.
const ROWS_PER_VALUE: f64 = 10.0;
/// The depth that documents are read to.
const DEPTH_MAX: usize = 64;

/// The keys of `n_values` documents, of which `extract` finds those of one.
pub(super) fn keys(subject: &Subject, key: &IndexColumn, n_values: f64, extract: fn(&Value) -> Vec<Key>) -> Vec<Keys> {
    let statistics = sample::statistics_behind(subject, key);
    let mut met = Sample::default();
    let values = statistics.map(sample::values).unwrap_or_default();
    let mut n_read = 0;
    for value in &values {
        let Ok(document) = serde_json::from_str::<Value>(value.text) else { continue };
        met.add(extract(&document), value.share, value.is_common);
        n_read += 1;
    }
    if n_read > 0 {
        let is_hashed = extract(&Value::Object([("a".to_owned(), Value::Bool(true))].into_iter().collect()))
            .iter()
            .all(|key| key.width == PATH_BYTES);
        return met.keys(n_values, if is_hashed { 4.0 } else { 1.0 }, Growth::Closed);
    }
    let width = statistics.map_or(BYTES_PER_MEMBER, |statistics| f64::from(statistics.average_width));
    let n_members = (width / BYTES_PER_MEMBER).max(1.0);
    let unknown = |n_keys: f64, n_rows: f64| Keys { n_keys, n_rows, width: 10.0, alignment: 1.0, order: 0.0 };
    let n_postings = n_values * n_members;
    vec![unknown(n_members, n_values), unknown((n_postings / ROWS_PER_VALUE).max(1.0), ROWS_PER_VALUE)]
}

/// `gin_extract_jsonb`: names, values, and elements that are strings as if they were names.
pub(super) fn of_document(document: &Value) -> Vec<Key> {
    let mut keys = Vec::new();
    walk(document, "", 0, &mut |path, name, scalar| {
        let identity = match (name, scalar) {
            (Some(name), _) => format!("k{name}"),
            (None, Value::String(text)) if path.ends_with(']') => format!("k{text}"),
            (None, scalar) => value_text(scalar),
        };
        let bytes = identity.len() - 1;
        let width = KEY_HEADER + if bytes > KEY_BYTES_MAX { HASH_DIGITS } else { bytes };
        let place = if name.is_some() { "name".to_owned() } else { format!("at {path}") };
        keys.push(Key { identity, place, number: scalar.as_i64().filter(|_| name.is_none()), width });
    });
    keys
}

/// `gin_extract_jsonb_path`: a hash of each value together with the names above it.
pub(super) fn paths_of_document(document: &Value) -> Vec<Key> {
    let mut keys = Vec::new();
    walk(document, "", 0, &mut |path, name, scalar| {
        if name.is_none() {
            let identity = format!("{path}={}", value_text(scalar));
            keys.push(Key { identity, place: path.to_owned(), number: scalar.as_i64(), width: PATH_BYTES });
        }
    });
    keys
}

fn value_text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) => format!("s{text}"),
        Value::Number(number) => format!("n{number}"),
        Value::Bool(true) => "bt".to_owned(),
        Value::Bool(false) => "bf".to_owned(),
        _ => "0".to_owned(),
    }
}

/// Every name (with its path, and `Null` for a value) and every scalar. Elements of an array share a path.
fn walk(value: &Value, path: &str, depth: usize, met: &mut impl FnMut(&str, Option<&str>, &Value)) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                met(path, Some(name), &Value::Null);
                walk(member, &format!("{path}.{name}"), depth + 1, met);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                walk(element, &format!("{path}[]"), depth + 1, met);
            }
        }
        scalar => met(path, None, scalar),
    }
}
