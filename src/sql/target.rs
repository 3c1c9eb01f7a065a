//! What an index can be built on: a resolved expression → column or index expression, by the types of its columns.

use super::print;
use super::tree::Expr;
use super::value_type::type_of;
use crate::pg::IndexTarget;
use crate::snapshot::{Catalog, Relation, TypeName};

/// What is known of the columns and functions in an expression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'c> {
    /// The relation that the columns are of; without it they are taken as they are written.
    pub relation: Option<&'c Relation>,
    /// The catalog that tells of functions.
    pub catalog: &'c Catalog<'c>,
}

/// `expr` as the key of an index on the known relation; `None` when it is no plain column and no expression that is known
/// to be allowed in an index: no parameter in it, nothing volatile or stable, no subquery, one scan only.
pub(super) fn index_target(expr: &Expr, known: Known<'_>) -> Option<IndexTarget> {
    match simplify(expr, known.relation) {
        Expr::ScanColumn { column, .. } => Some(IndexTarget::Column(column)),
        expr if is_indexable(&expr, known) => Some(IndexTarget::Expression(print::sql(&expr))),
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
fn is_indexable(expr: &Expr, known: Known<'_>) -> bool {
    let relation = known.relation;
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
                !is_plain || !is_immutable_call(call.base_name(), &call.args, known)
            }
            _ => false,
        }
    });
    has_column && !is_refused
}

/// Casts that depend on settings (`TimeZone`, `DateStyle`) or on the catalog (enums) are stable: not allowed in an
/// index.
fn is_immutable_cast(expr: &Expr, to: &str, relation: Option<&Relation>) -> bool {
    let from = type_of(expr, relation);
    let is_array = from.as_deref().is_some_and(|from| from.starts_with('_')) && to.ends_with("[]");
    match from.as_deref() {
        Some("timestamptz") => to.ends_with("with time zone"),
        Some("timestamp" | "date" | "time") => is_date_type(to) && !to.ends_with("with time zone"),
        Some("text" | "varchar" | "bpchar" | "jsonb" | "json") => is_plain_type(to),
        Some(from) => is_array && !is_date_type(to) || PLAIN_TYPES.contains(&from) && is_plain_type(to),
        None => is_plain_type(to),
    }
}

/// Whether values of the type look the same whatever the settings, so that casts between such types are immutable.
fn is_plain_type(name: &str) -> bool {
    let base = name.split('(').next().unwrap_or(name);
    matches!(
        base,
        "integer"
            | "bigint"
            | "smallint"
            | "numeric"
            | "real"
            | "double precision"
            | "boolean"
            | "text"
            | "uuid"
            | "character varying"
            | "character"
            | "jsonb"
            | "json"
            | "inet"
            | "cidr"
            | "oid"
            | "bytea"
    )
}

/// The same, by `typname`.
#[rustfmt::skip]
const PLAIN_TYPES: &[&str] = &[
    "int2", "int4", "int8", "numeric", "float4", "float8", "bool", "uuid", "inet", "cidr", "oid", "bytea", "name",
];

/// Whether an index on the relation has a call of `name` in it: then the function is immutable, whoever wrote it.
fn is_indexed_already(name: &str, relation: Option<&Relation>) -> bool {
    let call = format!("{name}(");
    let has_call =
        |key: &crate::pg::IndexColumn| matches!(&key.target, IndexTarget::Expression(sql) if sql.contains(&call));
    relation
        .is_some_and(|relation| relation.indexes.iter().any(|index| index.definition.key_columns.iter().any(has_call)))
}

fn is_date_type(name: &str) -> bool {
    name.starts_with("time") || name.starts_with("date") || name.starts_with("interval") || name.starts_with("reg")
}

/// `timestamptz + interval` is stable, as is whatever compares a time with zone to one without.
fn is_immutable_operator(op: &str, left: &Expr, right: &Expr, relation: Option<&Relation>) -> bool {
    let is_zoned = |expr| type_of(expr, relation).as_deref() == Some("timestamptz");
    !(matches!(op, "+" | "-") && (is_zoned(left) || is_zoned(right)))
}

fn is_immutable_call(name: &str, args: &[Expr], known: Known<'_>) -> bool {
    let relation = known.relation;
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
        _ => {
            IMMUTABLE.binary_search(&name).is_ok()
                || known.catalog.is_immutable_function(name)
                || is_indexed_already(name, relation)
        }
    }
}

/// Functions of PostgreSQL of which every form is immutable (`pg_proc.provolatile = 'i'` in versions 13 to 18), those
/// that people call on columns. Of any other function it is not known here.
#[rustfmt::skip]
const IMMUTABLE: &[&str] = &[
    "abs", "acos", "acosd", "acosh", "area", "array_dims", "array_fill", "array_length", "array_lower",
    "array_ndims", "array_remove", "array_replace", "array_to_tsvector", "array_upper", "ascii", "asind", "asinh",
    "atan", "atan2", "atan2d", "atand", "atanh", "bit_length", "cardinality", "cbrt", "ceil", "ceiling",
    "char_length", "character_length", "chr", "coalesce", "cos", "cosd", "cosh", "cot", "cotd", "datemultirange",
    "daterange", "decode", "degrees", "diagonal", "diameter", "encode", "exp", "factorial", "floor", "gcd",
    "get_bit", "get_byte", "greatest", "height", "host", "initcap", "int4multirange", "int4range",
    "int8multirange", "int8range", "is_normalized", "isclosed", "isempty", "isfinite", "ishorizontal", "isopen",
    "isparallel", "isperp", "isvertical", "json_array_length", "json_object", "json_typeof", "jsonb_array_length",
    "jsonb_insert", "jsonb_object", "jsonb_path_exists", "jsonb_path_match", "jsonb_path_query_array",
    "jsonb_path_query_first", "jsonb_pretty", "jsonb_set", "jsonb_typeof", "justify_days", "justify_hours",
    "justify_interval", "lcm", "least", "left", "ln", "log", "log10", "lower", "lower_inc", "lower_inf", "lpad",
    "ltrim", "make_date", "make_interval", "make_time", "make_timestamp", "masklen", "md5", "min_scale", "mod",
    "multirange", "netmask", "normalize", "npoints", "nullif", "num_nonnulls", "num_nulls", "nummultirange",
    "numnode", "numrange", "octet_length", "overlay", "pclose", "pi", "popen", "position", "pow", "power",
    "quote_ident", "radians", "radius", "range_merge", "regexp_match", "regexp_replace", "regexp_split_to_array",
    "repeat", "replace", "reverse", "right", "round", "rpad", "rtrim", "scale", "set_bit", "set_byte",
    "set_masklen", "setweight", "sha224", "sha256", "sha384", "sha512", "sign", "sind", "sinh", "slope",
    "split_part", "sqrt", "string_to_array", "strip", "strpos", "substr", "substring", "tan", "tand", "tanh",
    "to_ascii", "to_hex", "to_oct", "translate", "trim_scale", "trunc", "ts_delete", "ts_filter", "tsmultirange",
    "tsrange", "tstzmultirange", "tstzrange", "tsvector_to_array", "upper", "upper_inc", "upper_inf", "width",
    "width_bucket", "xml_is_well_formed_content", "xml_is_well_formed_document", "xmlcomment", "xmlexists",
    "xpath", "xpath_exists",
];

/// Aggregates: what they return is known only after the scan.
#[rustfmt::skip]
pub(super) const AGGREGATES: &[&str] = &[
    "count", "sum", "avg", "min", "max", "array_agg", "string_agg", "json_agg", "jsonb_agg", "json_object_agg",
    "jsonb_object_agg", "json_arrayagg", "json_objectagg", "bool_and", "bool_or", "every", "bit_and", "bit_or",
    "bit_xor", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "corr", "covar_pop",
    "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
    "regr_sxy", "regr_syy", "percentile_cont", "percentile_disc", "mode", "xmlagg", "range_agg", "any_value",
    "grouping", "range_intersect_agg", "st_union", "st_collect", "st_extent",
];

/// Functions that return several rows for one (`unnest(tags)` in a select list).
#[rustfmt::skip]
pub(super) const SET_RETURNING: &[&str] = &[
    "unnest", "generate_series", "generate_subscripts", "json_array_elements", "json_array_elements_text",
    "jsonb_array_elements", "jsonb_array_elements_text", "json_object_keys", "jsonb_object_keys", "json_each",
    "jsonb_each", "json_each_text", "jsonb_each_text", "jsonb_path_query", "regexp_split_to_table",
    "regexp_matches", "string_to_table",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_binary_search() {
        assert!(IMMUTABLE.is_sorted());
    }
}
