//! Type names in one spelling: PostgreSQL's own (`format_type`), quotes only where they are needed.

use sqlparser::ast::DataType;

use super::super::tokens::{TokenKind, identifier, significant_tokens};
use crate::pg::quote_identifier;

/// The one spelling of a type.
pub(super) fn type_name(data_type: &DataType) -> String {
    canonical_type_name(&data_type.to_string())
}

/// The one spelling of a type given as SQL: `int4` → `integer`, `"uuid"` → `uuid`, `varchar(9)` →
/// `character varying(9)`, `timestamptz` → `timestamp with time zone`.
pub(in crate::sql) fn canonical_type_name(sql: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut modifiers = String::new();
    let mut n_dimensions = 0;
    let mut depth = 0;
    for token in significant_tokens(sql) {
        match (token.kind, token.text(sql)) {
            (TokenKind::Punctuation, "(") => depth += 1,
            (TokenKind::Punctuation, ")") => depth -= 1,
            (TokenKind::Punctuation, "[") => n_dimensions += 1,
            (TokenKind::Punctuation, "]" | ".") => {}
            (_, text) if depth > 0 => modifiers.push_str(text),
            (TokenKind::Word | TokenKind::QuotedIdentifier, _) => words.push(identifier(&token, sql)),
            _ => {}
        }
    }
    if words.first().is_some_and(|word| word == "pg_catalog") && words.len() > 1 {
        words.remove(0);
    }
    if words.last().is_some_and(|word| word == "array") {
        words.pop();
        n_dimensions = 1;
    }
    let base = spelling(&words, sql.contains('.'));
    let mut name = match (modifiers.is_empty(), base.split_once(' ')) {
        (true, _) => base,
        (false, Some((first, rest))) if first.starts_with("time") => format!("{first}({modifiers}) {rest}"),
        (false, _) => format!("{base}({modifiers})"),
    };
    // PostgreSQL keeps no number of dimensions in a type.
    if n_dimensions > 0 {
        name.push_str("[]");
    }
    name
}

fn spelling(words: &[String], is_qualified: bool) -> String {
    let joined = words.join(" ");
    let known = match joined.as_str() {
        "int" | "int4" | "integer" => "integer",
        "int8" | "bigint" => "bigint",
        "int2" | "smallint" => "smallint",
        "float8" | "float" | "double" | "double precision" => "double precision",
        "float4" | "real" => "real",
        "bool" | "boolean" => "boolean",
        "decimal" | "dec" | "numeric" => "numeric",
        "varchar" | "character varying" | "char varying" | "nvarchar" => "character varying",
        "char" | "character" | "bpchar" => "character",
        "timestamptz" | "timestamp with time zone" => "timestamp with time zone",
        "timestamp" | "timestamp without time zone" => "timestamp without time zone",
        "timetz" | "time with time zone" => "time with time zone",
        "time" | "time without time zone" => "time without time zone",
        "varbit" | "bit varying" => "bit varying",
        "text" | "uuid" | "json" | "jsonb" | "date" | "bytea" | "bit" | "inet" | "interval" => &joined,
        _ if joined.starts_with("interval ") => &joined,
        _ => {
            let quoted: Vec<_> = words.iter().map(|word| quote_identifier(word)).collect();
            return quoted.join(if is_qualified { "." } else { " " });
        }
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_each_type() {
        for (given, expected) in [
            ("INT4", "integer"),
            ("\"uuid\"", "uuid"),
            ("VARCHAR(255)", "character varying(255)"),
            ("timestamptz", "timestamp with time zone"),
            ("TIMESTAMP(3) WITH TIME ZONE", "timestamp(3) with time zone"),
            ("numeric(10,2)[]", "numeric(10,2)[]"),
            ("\"Mood\"", "\"Mood\""),
            ("app.\"Mood\"[]", "app.\"Mood\"[]"),
            ("pg_catalog.text", "text"),
            ("int[3][3]", "integer[]"),
        ] {
            assert_eq!(canonical_type_name(given), expected, "{given}");
        }
    }
}
