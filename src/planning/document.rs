//! Parts of a real JSON document that a query on such documents may ask for. Pure.

use serde_json::{Map, Value};

use super::phrase::Phrase;

/// `{"key": value}` with the document's first key whose value is neither object nor array: what `@>` is asked with.
pub(super) fn part(document: &str) -> Option<String> {
    let object = object(document)?;
    let (key, value) = object.iter().find(|(_, value)| is_scalar(value))?;
    Some(Value::Object(Map::from_iter([(key.clone(), value.clone())])).to_string())
}

/// The document's first key.
pub(super) fn key(document: &str) -> Option<String> {
    object(document)?.keys().next().cloned()
}

/// The value under the key that `expression` extracts (`attributes ->> 'color'`), as text; where the key is not
/// written there, that of the first key with a scalar value.
pub(super) fn member(document: &str, expression: &str) -> Option<String> {
    let object = object(document)?;
    let key = literal_key(expression);
    let value = match key.as_deref().and_then(|key| object.get(key)) {
        Some(value) => value,
        None => object.values().find(|value| is_scalar(value))?,
    };
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn object(document: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(document) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array() && !value.is_null()
}

/// The string after the first `->` or `->>`.
fn literal_key(expression: &str) -> Option<String> {
    let phrase = Phrase::new(expression);
    let arrow = (0..phrase.len()).find(|at| matches!(phrase.token_text(*at), "->" | "->>"))?;
    let literal = phrase.token_text(arrow + 1).strip_prefix('\'')?.strip_suffix('\'')?;
    Some(literal.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"list": [1], "theme": "dark", "n": 5}"#;

    #[test]
    fn parts_come_from_the_document() {
        assert_eq!(part(DOCUMENT).as_deref(), Some(r#"{"theme":"dark"}"#));
        assert_eq!(key(DOCUMENT).as_deref(), Some("list"));
        assert_eq!(member(DOCUMENT, "preferences ->> 'n'").as_deref(), Some("5"));
        assert_eq!(member(DOCUMENT, "preferences ->> $1").as_deref(), Some("dark"));
        assert_eq!(part("[1]"), None);
        assert_eq!(member("not json", "a ->> 'b'"), None);
    }
}
