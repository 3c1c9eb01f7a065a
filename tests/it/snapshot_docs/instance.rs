//! A JSON value of the form that a JSON schema describes: nothing missing, no list empty, every text a literal.

use serde_json::{Map, Value, json};

/// How many values it takes until every variant of every enum has been in one.
pub fn rounds(schema: &Value) -> usize {
    let definitions = schema["$defs"].as_object().expect("definitions");
    definitions.values().map(|definition| variants(definition).len()).max().unwrap_or(1).max(1)
}

/// The value of this round.
pub fn of(schema: &Value, round: usize) -> Value {
    value(schema, schema, round)
}

/// The schema that `schema` refers to, and the name that it has.
pub fn resolved<'s>(root: &'s Value, schema: &'s Value) -> (Option<&'s str>, &'s Value) {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        Some(name) => (Some(name), &root["$defs"][name]),
        None => (None, schema),
    }
}

/// What a value can be, `null` left out.
pub fn variants(schema: &Value) -> Vec<&Value> {
    let all = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    all.into_iter().flatten().filter(|variant| variant["type"] != "null").collect()
}

/// The type of a value that may be `null`.
pub fn type_name(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        other => other.as_str(),
    }
}

fn value(root: &Value, schema: &Value, round: usize) -> Value {
    let (name, schema) = resolved(root, schema);
    if name == Some("QueryId") {
        return json!("1");
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    let variants = variants(schema);
    if !variants.is_empty() {
        return value(root, variants[round % variants.len()], round);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[round % words.len()].clone();
    }
    match type_name(schema) {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(
                properties.map(|(name, field)| (name.clone(), value(root, field, round))).collect::<Map<_, _>>(),
            )
        }
        Some("array") => match schema["prefixItems"].as_array() {
            Some(items) => items.iter().map(|item| value(root, item, round)).collect(),
            None => json!([value(root, &schema["items"], round)]),
        },
        Some("string") if schema["format"] == "date-time" => json!("2026-11-20T18:00:00Z"),
        Some("string") if schema["maxLength"] == 1 => json!("v"),
        Some("string") => json!("'v'"),
        Some("integer") => json!(1),
        Some("number") => json!(0.5),
        Some("boolean") => json!(true),
        other => panic!("a form that is new here: {other:?} in {schema}"),
    }
}
