//! A snapshot's fields as Markdown: a table for each struct, a list for each enum, in the order in which they are met.

use std::collections::VecDeque;
use std::fmt::Write;

use serde_json::Value;

use super::instance::{resolved, type_name, variants};
use super::redacted::{Fate, Fates};

/// Every field below the snapshot, with what redaction makes of it.
pub fn fields(schema: &Value, fates: &Fates) -> String {
    let mut page = String::new();
    let mut met: Vec<String> = vec!["Snapshot".to_owned()];
    let mut waiting: VecDeque<String> = met.iter().cloned().collect();
    while let Some(name) = waiting.pop_front() {
        let definition = if name == "Snapshot" { schema } else { &schema["$defs"][&name] };
        if !has_section(definition) {
            continue;
        }
        section(&mut page, &name, definition, fates);
        for next in references(definition) {
            if !met.contains(&next) {
                met.push(next.clone());
                waiting.push_back(next);
            }
        }
    }
    page
}

/// Whether a type has parts to tell of; one that is a number or a text has none.
fn has_section(definition: &Value) -> bool {
    definition["properties"].is_object() || !variants(definition).is_empty()
}

fn section(page: &mut String, name: &str, definition: &Value, fates: &Fates) {
    let _ = writeln!(page, "### {name}\n\n{}\n", description(definition));
    if definition["properties"].is_object() {
        table(page, name, definition, fates);
    } else {
        for variant in variants(definition) {
            variant_line(page, variant);
        }
    }
    page.push('\n');
}

fn table(page: &mut String, owner: &str, definition: &Value, fates: &Fates) {
    page.push_str("| field | form | `--redact` | meaning |\n|---|---|---|---|\n");
    for (field, form) in definition["properties"].as_object().into_iter().flatten() {
        let fate = match fates.of(owner, field) {
            Fate::Stays => "",
            Fate::Changed if !references(form).is_empty() => "within",
            Fate::Changed => "changed",
            Fate::RemovedInPart => "**removed** where it holds values",
            Fate::Removed => "**removed**",
        };
        let _ = writeln!(page, "| `{field}` | {} | {fate} | {} |", form_of(form), description(form));
    }
}

fn variant_line(page: &mut String, variant: &Value) {
    let description = description(variant);
    if let Some(word) = variant["const"].as_str() {
        let _ = writeln!(page, "- `{word}`: {description}");
        return;
    }
    for (tag, form) in variant["properties"].as_object().into_iter().flatten() {
        let _ = writeln!(page, "- `{tag}` ({}): {description}", form_of(form));
        for (field, form) in form["properties"].as_object().into_iter().flatten() {
            let _ = writeln!(page, "  - `{field}` ({}): {}", form_of(form), self::description(form));
        }
    }
}

fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace(['[', ']'], "").replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `list of Column`, `text or null`
fn form_of(schema: &Value) -> String {
    let nullable = match &schema["type"] {
        Value::Array(types) => types.contains(&Value::from("null")),
        _ => schema["anyOf"].as_array().is_some_and(|all| all.iter().any(|variant| variant["type"] == "null")),
    };
    format!("{}{}", bare_form(schema), if nullable { " or null" } else { "" })
}

fn bare_form(schema: &Value) -> String {
    if let (Some(name), _) = resolved(&Value::Null, schema) {
        return match name {
            "QueryId" => "text".to_owned(),
            "Oid" | "ServerVersion" | "Bytes" => "integer".to_owned(),
            "AccessMethod" => "text".to_owned(),
            name => format!("[{name}](#{})", name.to_lowercase()),
        };
    }
    if let [variant] = variants(schema)[..] {
        return bare_form(variant);
    }
    match type_name(schema) {
        Some("array") => match schema["prefixItems"].as_array() {
            Some(items) => format!("({})", items.iter().map(form_of).collect::<Vec<_>>().join(", ")),
            None => format!("list of {}", form_of(&schema["items"])),
        },
        Some("string") if schema["format"] == "date-time" => "time".to_owned(),
        Some("string") if schema["maxLength"] == 1 => "letter".to_owned(),
        Some("string") => "text".to_owned(),
        Some(name) => name.to_owned(),
        None => panic!("a form that is new here: {schema}"),
    }
}

/// The definitions that `definition` names, in order.
fn references(definition: &Value) -> Vec<String> {
    match definition {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some(reference)) => {
                    reference.strip_prefix("#/$defs/").map(str::to_owned).into_iter().collect()
                }
                ("$defs", _) => Vec::new(),
                _ => references(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
