//! The type of what an expression returns, as far as it can be told without asking the server. Resolves no operators: of
//! those that exist for many types it knows the ones that index expressions are made with.

use super::tree::Expr;
use crate::snapshot::Relation;

/// Functions by the `typname` of what every form of them returns.
#[rustfmt::skip]
const RETURNS: &[(&str, &[&str])] = &[
    ("text", &["lower", "upper", "btrim", "ltrim", "rtrim", "substring", "substr", "replace", "concat", "concat_ws",
               "initcap", "left", "right", "reverse", "regexp_replace", "md5", "split_part", "translate"]),
    ("tsvector", &["to_tsvector", "setweight", "strip", "ts_delete", "ts_filter", "array_to_tsvector"]),
    ("jsonb", &["jsonb_path_query_array", "jsonb_path_query_first", "jsonb_set", "jsonb_insert"]),
    ("_text", &["string_to_array", "regexp_split_to_array", "tsvector_to_array"]),
    ("int4range", &["int4range"]), ("int8range", &["int8range"]), ("numrange", &["numrange"]),
    ("tsrange", &["tsrange"]), ("tstzrange", &["tstzrange"]), ("daterange", &["daterange"]),
    ("point", &["point", "center"]), ("box", &["box", "bound_box"]), ("circle", &["circle"]), ("polygon", &["polygon"]),
];

/// The `typname` of what `expr` returns, where it can be told.
pub(super) fn type_of(expr: &Expr, relation: Option<&Relation>) -> Option<String> {
    match expr {
        Expr::ScanColumn { column, .. } => relation?.column(column).map(|column| column.base_type.name.clone()),
        Expr::Cast { type_name, .. } => Some(typname(type_name)),
        Expr::Function(call) => match (call.base_name(), call.args.as_slice()) {
            ("timezone", [_, time]) => match type_of(time, relation)?.as_str() {
                "timestamptz" => Some("timestamp".to_owned()),
                "timestamp" => Some("timestamptz".to_owned()),
                _ => None,
            },
            ("lower" | "upper", [bounds]) if is_range(bounds, relation) => None,
            ("date_trunc", [_, time, ..]) => type_of(time, relation),
            ("coalesce" | "array_remove" | "array_replace", [first, ..]) => type_of(first, relation),
            (name, _) => {
                let known = RETURNS.iter().find(|(_, names)| names.contains(&name));
                known.map(|(type_name, _)| (*type_name).to_owned())
            }
        },
        Expr::Binary { op, .. } if op == "->>" || op == "#>>" => Some("text".to_owned()),
        Expr::Binary { op, left, .. } if op == "->" || op == "#>" => match type_of(left, relation)?.as_str() {
            document @ ("json" | "jsonb") => Some(document.to_owned()),
            _ => None,
        },
        Expr::Binary { op, left, right } if op == "||" => {
            Some(joined(type_of(left, relation), type_of(right, relation)))
        }
        Expr::Collate { expr, .. } => type_of(expr, relation),
        _ => None,
    }
}

/// Whether it is a range, of which `lower` and `upper` return a bound.
fn is_range(expr: &Expr, relation: Option<&Relation>) -> bool {
    type_of(expr, relation).is_some_and(|name| name.ends_with("range"))
}

/// The type of `left || right`: of arrays, documents and lexemes what they are, of anything else text.
fn joined(left: Option<String>, right: Option<String>) -> String {
    let is_own = |name: &String| name.starts_with('_') || matches!(name.as_str(), "tsvector" | "jsonb");
    left.filter(is_own).or(right.filter(is_own)).unwrap_or_else(|| "text".to_owned())
}

/// The `typname` of a type as `format_type` prints it.
fn typname(printed: &str) -> String {
    if let Some(element) = printed.strip_suffix("[]") {
        return format!("_{}", typname(element.trim_end_matches("[]")));
    }
    let unlimited = match (printed.find('('), printed.find(')')) {
        (Some(opening), Some(closing)) if opening < closing => {
            format!("{}{}", printed[..opening].trim_end(), &printed[closing + 1..])
        }
        _ => printed.to_owned(),
    };
    match unlimited.as_str() {
        "smallint" => "int2",
        "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" => "float8",
        "boolean" => "bool",
        "character" => "bpchar",
        "character varying" => "varchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        base => base,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn types_are_told_without_a_catalog_where_the_expression_says_them() {
        for (expression, type_name) in [
            ("to_tsvector('english', body)", Some("tsvector")),
            (
                "setweight(to_tsvector('english', a), 'A') || setweight(to_tsvector('english', b), 'B')",
                Some("tsvector"),
            ),
            ("data ->> 'kind'", Some("text")),
            ("(data::jsonb) -> 'tags'", Some("jsonb")),
            ("data -> 'tags'", None),
            ("string_to_array(tags, ',')", Some("_text")),
            ("tstzrange(starts, ends)", Some("tstzrange")),
            ("a || ' ' || b", Some("text")),
            ("a::integer[]", Some("_int4")),
            ("a::numeric(10, 2)", Some("numeric")),
            ("a::timestamp(3) with time zone", Some("timestamptz")),
            ("lower(a::tstzrange)", None),
            ("point(x, y)", Some("point")),
            ("a + 1", None),
        ] {
            let expr = parse::parse_expression(expression).expect("an expression");
            assert_eq!(type_of(&expr, None).as_deref(), type_name, "{expression}");
        }
    }
}
