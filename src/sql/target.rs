//! What an index can be built on: a resolved expression → column or index expression, by the types of its columns.

use super::print;
use super::tree::Expr;
use crate::pg::IndexTarget;
use crate::snapshot::{Relation, TypeName};

/// `expr` as the key of an index on `relation`; `None` when it is no plain column and no expression that is known to
/// be allowed in an index: no parameter in it, nothing volatile or stable, no subquery, one scan only.
pub(super) fn index_target(expr: &Expr, relation: Option<&Relation>) -> Option<IndexTarget> {
    match simplify(expr, relation) {
        Expr::ScanColumn { column, .. } => Some(IndexTarget::Column(column)),
        expr if is_indexable(&expr, relation) => Some(IndexTarget::Expression(print::sql(&expr))),
        _ => None,
    }
}

/// `expr` without the casts that change nothing for an index: `varchar` as `text`, a type as itself.
pub(super) fn simplify(expr: &Expr, relation: Option<&Relation>) -> Expr {
    expr.rebuilt(&mut |part| match part {
        Expr::Cast { expr, type_name } => match (*expr, relation) {
            (Expr::ScanColumn { scan, column }, Some(relation))
                if relation.column(&column).is_some_and(|c| is_relabelled(&c.base_type, &type_name)) =>
            {
                Expr::ScanColumn { scan, column }
            }
            (expr, _) => Expr::Cast { expr: Box::new(expr), type_name },
        },
        part => part,
    })
}

/// Whether a cast of a column from one type to the other leaves the column as an index has it.
fn is_relabelled(from: &TypeName, to: &str) -> bool {
    let own = match from.name.as_str() {
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "bool" => "boolean",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "varchar" => return matches!(to, "text" | "character varying"),
        "text" => return matches!(to, "text" | "character varying"),
        "cidr" => return matches!(to, "cidr" | "inet"),
        name => name,
    };
    own == to
}

/// Whether `expr`, over columns of one relation, is known to be immutable and free of parameters and subqueries.
fn is_indexable(expr: &Expr, relation: Option<&Relation>) -> bool {
    let mut has_column = false;
    let is_refused = expr.any(&mut |part| {
        has_column |= matches!(part, Expr::ScanColumn { .. });
        match part {
            Expr::Parameter(_) | Expr::Opaque(_) | Expr::Behind(_) | Expr::Star(_) | Expr::Column(_) => true,
            Expr::Subquery { .. } | Expr::Exists { .. } | Expr::InQuery { .. } | Expr::GroupingSets(_) => true,
            Expr::Cast { expr, type_name } => !is_immutable_cast(expr, type_name, relation),
            Expr::Binary { op, left, right } => !is_immutable_operator(op, left, right, relation),
            Expr::Function(call) => {
                let is_plain = call.over.is_none() && call.filter.is_none() && call.within_group.is_empty();
                !is_plain || !is_immutable_call(call.base_name(), &call.args, relation)
            }
            _ => false,
        }
    });
    has_column && !is_refused
}

/// Casts that depend on settings (`TimeZone`, `DateStyle`) are stable: not allowed in an index.
fn is_immutable_cast(expr: &Expr, to: &str, relation: Option<&Relation>) -> bool {
    let from = type_of(expr, relation);
    let is_zoned = |name: &str| matches!(name, "timestamptz" | "timetz");
    match from.as_deref() {
        Some("timestamptz") => to.ends_with("with time zone"),
        Some("timestamp" | "date" | "time" | "timetz" | "interval") => {
            !to.ends_with("with time zone") && !matches!(to, "text" | "character varying" | "character")
        }
        Some("text" | "varchar" | "bpchar" | "jsonb" | "json") => !is_date_type(to),
        Some(name) => !is_zoned(name),
        // The type is not known: casts to date and time are the ones that fail.
        None => !is_date_type(to),
    }
}

fn is_date_type(name: &str) -> bool {
    name.starts_with("time") || name.starts_with("date") || name.starts_with("interval") || name.starts_with("reg")
}

/// `timestamptz + interval` is stable, as is whatever compares a time with zone to one without.
fn is_immutable_operator(op: &str, left: &Expr, right: &Expr, relation: Option<&Relation>) -> bool {
    let is_zoned = |expr| type_of(expr, relation).as_deref() == Some("timestamptz");
    !(matches!(op, "+" | "-") && (is_zoned(left) || is_zoned(right)))
}

fn is_immutable_call(name: &str, args: &[Expr], relation: Option<&Relation>) -> bool {
    let first = || args.first().and_then(|arg| type_of(arg, relation));
    let last = || args.last().and_then(|arg| type_of(arg, relation));
    match name {
        "to_tsvector" | "to_tsquery" | "plainto_tsquery" | "phraseto_tsquery" | "websearch_to_tsquery" => {
            args.len() > 1
        }
        "date_trunc" => args.len() > 2 || last().as_deref() != Some("timestamptz"),
        "date_part" | "extract" => {
            let is_epoch = matches!(args.first(), Some(Expr::Literal(field)) if field.eq_ignore_ascii_case("'epoch'"));
            is_epoch || last().as_deref() != Some("timestamptz")
        }
        "date" | "time" => first().as_deref() != Some("timestamptz"),
        "timezone" => matches!(args.first(), Some(Expr::Literal(_) | Expr::Cast { .. })),
        "age" => args.len() == 2 && first().as_deref() != Some("timestamptz"),
        _ => !STABLE_OR_VOLATILE.contains(&name) && !AGGREGATES.contains(&name),
    }
}

/// The `typname` of what `expr` returns, where it can be told.
fn type_of(expr: &Expr, relation: Option<&Relation>) -> Option<String> {
    match expr {
        Expr::ScanColumn { column, .. } => relation?.column(column).map(|column| column.base_type.name.clone()),
        Expr::Cast { type_name, .. } => Some(
            match type_name.as_str() {
                "timestamp with time zone" => "timestamptz",
                "timestamp without time zone" => "timestamp",
                "character varying" => "varchar",
                name => name,
            }
            .to_owned(),
        ),
        Expr::Function(call) => match (call.base_name(), call.args.as_slice()) {
            ("timezone", [_, time]) => match type_of(time, relation)?.as_str() {
                "timestamptz" => Some("timestamp".to_owned()),
                "timestamp" => Some("timestamptz".to_owned()),
                _ => None,
            },
            ("lower" | "upper" | "btrim" | "ltrim" | "rtrim" | "substring" | "replace" | "concat", _) => {
                Some("text".to_owned())
            }
            ("date_trunc", [_, time, ..]) => type_of(time, relation),
            ("coalesce", [first, ..]) => type_of(first, relation),
            _ => None,
        },
        Expr::Binary { op, .. } if op == "->>" || op == "#>>" || op == "||" => Some("text".to_owned()),
        Expr::Binary { op, .. } if op == "->" || op == "#>" => Some("jsonb".to_owned()),
        Expr::Collate { expr, .. } => type_of(expr, relation),
        _ => None,
    }
}

/// Functions of PostgreSQL that are not immutable and that stand around columns in conditions
/// (`pg_proc.provolatile` other than `i`).
const STABLE_OR_VOLATILE: &[&str] = &[
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_user",
    "session_user",
    "current_role",
    "current_schema",
    "current_database",
    "current_setting",
    "transaction_timestamp",
    "statement_timestamp",
    "clock_timestamp",
    "timeofday",
    "random",
    "gen_random_uuid",
    "uuid_generate_v4",
    "nextval",
    "currval",
    "lastval",
    "setval",
    "to_char",
    "to_date",
    "to_timestamp",
    "to_number",
    "concat",
    "concat_ws",
    "format",
    "array_to_string",
    "to_json",
    "to_jsonb",
    "row_to_json",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "jsonb_path_query_tz",
    "jsonb_path_exists_tz",
    "quote_literal",
    "has_table_privilege",
    "pg_typeof",
    "unaccent",
    "set_config",
    "txid_current",
    "overlaps",
    // What the resolver puts for subqueries that depend on a row, whole rows and system columns.
    "subquery",
    "whole_row",
    "ctid",
    "xmin",
    "xmax",
    "cmin",
    "cmax",
    "tableoid",
];

/// Aggregates: what they return is known only after the scan.
pub(super) const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
    "json_arrayagg",
    "json_objectagg",
    "bool_and",
    "bool_or",
    "every",
    "bit_and",
    "bit_or",
    "bit_xor",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "percentile_cont",
    "percentile_disc",
    "mode",
    "xmlagg",
    "range_agg",
    "any_value",
    "grouping",
    "range_intersect_agg",
    "st_union",
    "st_collect",
    "st_extent",
];
