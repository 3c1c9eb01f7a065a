//! Expressions of the catalog, of plans and of statements in one spelling, so that they can be compared. PostgreSQL
//! prints `lower((email)::text)`, people write `lower(email)`.

use super::logic::{conjuncts, negated};
use super::parse;
use super::print;
use super::print::{commuted, is_constant};
use super::target::{Known, index_target};
use super::tokens::{TokenKind, significant_tokens};
use super::tree::{Expr, Test};
use super::value_type::type_of;
use crate::snapshot::{Catalog, Relation};

/// `expression`, SQL of an index key, a predicate or a qual, in the one spelling for its meaning: without qualifiers,
/// without casts of constants and casts between text types, constants on the right, AND, OR and lists sorted. What the
/// parser does not know comes back as its tokens.
///
/// A cast to `text` is left out wherever it stands inside, because PostgreSQL prints one around every `varchar`; an
/// expression that is nothing but such a cast keeps it. No type is known here: two expressions over columns of other
/// types can become one.
pub fn canonical(expression: &str) -> String {
    let parsed = parse::on_large_stack(|| {
        parse::parse_expression(expression).ok().map(|expr| match expr {
            Expr::Cast { expr, type_name } => {
                print::sql(&Expr::Cast { expr: Box::new(in_one_spelling(&expr)), type_name })
            }
            expr => print::sql(&in_one_spelling(&expr)),
        })
    });
    parsed.ok().flatten().unwrap_or_else(|| of_tokens(expression))
}

/// Whether two index expressions are the same.
pub fn same_expression(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// Whether two predicates say the same, in whatever order.
pub fn same_predicate(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// Whether PostgreSQL is known to accept `expression` as a key of an index on `relation`: it reads columns of that
/// relation only, holds no parameter and no subquery, and calls nothing that may not be immutable. The targets of a
/// scan's quals and orders are all so; the sides of a join may be other expressions (`b.id + $1`).
pub fn is_indexable(expression: &str, relation: &Relation, catalog: &Catalog<'_>) -> bool {
    let known = Known { relation: Some(relation), catalog };
    of_relation(expression, relation, |expr| index_target(expr, known).is_some()).unwrap_or(false)
}

/// The column and the collation, as SQL, where `expression` is no more than a column compared by that collation.
pub fn collated_column(expression: &str, relation: &Relation) -> Option<(String, String)> {
    let tell = |expr: &Expr| match expr {
        Expr::Collate { expr, collation } => match expr.as_ref() {
            Expr::ScanColumn { column, .. } => Some((column.clone(), collation.clone())),
            _ => None,
        },
        _ => None,
    };
    of_relation(expression, relation, tell).flatten()
}

/// The `typname` of what `expression` over columns of `relation` returns, where it can be told from its functions and
/// casts and from the types of its columns.
pub fn type_of_expression(expression: &str, relation: &Relation) -> Option<String> {
    of_relation(expression, relation, |expr| type_of(expr, Some(relation))).flatten()
}

/// What `tell` says of `expression`, its names resolved to columns of `relation`; `None` when it does not parse.
fn of_relation<T: Send>(expression: &str, relation: &Relation, tell: impl Fn(&Expr) -> T + Send + Sync) -> Option<T> {
    let told = parse::on_large_stack(|| {
        let expr = parse::parse_expression(expression).ok()?;
        let resolved = expr.rebuilt(&mut |part| match part {
            Expr::Column(path) => match path.last() {
                Some(column) if relation.column(column).is_some() => {
                    Expr::ScanColumn { scan: 0, column: column.clone() }
                }
                _ => Expr::Column(path),
            },
            part => part,
        });
        Some(tell(&resolved))
    });
    told.ok().flatten()
}

fn in_one_spelling(expr: &Expr) -> Expr {
    let spelt = expr.rebuilt(&mut |part| match part {
        Expr::Column(mut path) => Expr::Column(path.split_off(path.len().saturating_sub(1))),
        Expr::Cast { expr, type_name } => without_cast(*expr, type_name),
        Expr::Any { expr, op, is_all, array } => as_list(*expr, op, is_all, *array),
        Expr::In { expr, list, is_negated } => {
            let array = Expr::Array(list);
            let op = if is_negated { "<>" } else { "=" };
            as_list(*expr, op.to_owned(), is_negated, array)
        }
        Expr::Not(expr) => match negated(*expr) {
            Expr::Not(expr) => Expr::Not(expr),
            pushed => pushed,
        },
        Expr::Binary { op, left, right } => oriented(op, *left, *right),
        Expr::Or(arms) => sorted(arms, Expr::Or, |part| match part {
            Expr::Or(parts) => parts,
            part => vec![part],
        }),
        Expr::And(parts) => sorted(parts, Expr::And, conjuncts),
        part => part,
    });
    match spelt {
        Expr::Is { expr, test: Test::Unknown, is_negated } => Expr::Is { expr, test: Test::Null, is_negated },
        spelt => spelt,
    }
}

/// A constant without its cast, a value without a cast between text types.
fn without_cast(expr: Expr, type_name: String) -> Expr {
    let is_text = type_name == "text" || type_name.starts_with("character varying") || type_name == "character";
    match expr {
        Expr::Literal(literal) => Expr::Literal(unquoted_number(literal, &type_name)),
        Expr::Parameter(number) => Expr::Parameter(number),
        Expr::Array(parts) => Expr::Array(parts),
        expr if is_text || type_name == "text[]" => expr,
        expr => Expr::Cast { expr: Box::new(expr), type_name },
    }
}

/// `'-5'::integer` is `-5`.
fn unquoted_number(literal: String, type_name: &str) -> String {
    let is_numeric = ["integer", "bigint", "smallint", "numeric", "real", "double precision"]
        .iter()
        .any(|numeric| type_name.starts_with(numeric));
    let digits = literal.trim_matches('\'');
    let is_number = !digits.is_empty() && digits.parse::<f64>().is_ok_and(f64::is_finite);
    if is_numeric && is_number { digits.to_owned() } else { literal }
}

/// `= ANY (ARRAY[…])` is IN, `<> ALL (ARRAY[…])` is NOT IN; the order of constants does not count.
fn as_list(expr: Expr, op: String, is_all: bool, array: Expr) -> Expr {
    let is_list = matches!((op.as_str(), is_all), ("=", false) | ("<>", true));
    match array {
        Expr::Array(mut list) if is_list && !list.is_empty() => {
            if list.iter().all(is_constant) {
                list.sort_by_key(print::sql);
                list.dedup();
            }
            match (list.len(), list.pop()) {
                (1, Some(only)) => oriented(op, expr, only),
                (_, last) => {
                    list.extend(last);
                    Expr::In { expr: Box::new(expr), list, is_negated: is_all }
                }
            }
        }
        array => Expr::Any { expr: Box::new(expr), op, is_all, array: Box::new(array) },
    }
}

/// Constants on the right; comparisons of booleans with constants as the boolean itself.
fn oriented(op: String, left: Expr, right: Expr) -> Expr {
    let (left, op, right) = match commuted(&op) {
        Some(commuted) if is_constant(&left) && !is_constant(&right) => (right, commuted.to_owned(), left),
        _ => (left, op, right),
    };
    match (op.as_str(), &right) {
        ("=", Expr::Literal(literal)) if literal == "true" => left,
        ("=", Expr::Literal(literal)) if literal == "false" => negated(left),
        _ => Expr::Binary { op, left: Box::new(left), right: Box::new(right) },
    }
}

fn sorted(parts: Vec<Expr>, whole: fn(Vec<Expr>) -> Expr, flat: fn(Expr) -> Vec<Expr>) -> Expr {
    let mut parts: Vec<Expr> = parts.into_iter().flat_map(flat).collect();
    parts.sort_by_cached_key(print::sql);
    parts.dedup();
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            whole(parts)
        }
    }
}

fn of_tokens(expression: &str) -> String {
    let words = significant_tokens(expression).into_iter().map(|token| match token.kind {
        TokenKind::Word => token.text(expression).to_ascii_lowercase(),
        _ => token.text(expression).to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_what_the_catalog_prints() {
        for (written, printed) in [
            ("lower(email)", "lower((email)::text)"),
            ("lower(t.email)", "lower(email)"),
            ("data->>'kind'", "(data ->> 'kind'::text)"),
            ("date_trunc('day', updated_at)", "date_trunc('day'::text, updated_at)"),
            ("created_at::date", "(created_at)::date"),
            ("status = 'open'", "((status)::text = 'open'::text)"),
            ("'open' = status", "(status = 'open'::order_status)"),
            ("status in ('b', 'a')", "(status = ANY (ARRAY['a'::text, 'b'::text]))"),
            (
                "status IN ('a','b')",
                "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            ),
            ("deleted_at is null and active", "(active AND (deleted_at IS NULL))"),
            ("active = true", "active"),
            ("not active", "(NOT active)"),
            ("active = false", "(NOT active)"),
            ("n <> -5", "(n <> '-5'::integer)"),
            ("n > 5", "(n > (5)::numeric)"),
            ("status not in ('a', 'b')", "(status <> ALL (ARRAY['a'::text, 'b'::text]))"),
            ("created_at at time zone 'UTC'", "(created_at AT TIME ZONE 'UTC'::text)"),
            ("timezone('UTC', created_at)", "(created_at AT TIME ZONE 'UTC'::text)"),
            ("coalesce(country, 'xx')", "COALESCE(country, 'xx'::bpchar)"),
            ("substring(sku, 1, 4)", "SUBSTRING(sku FROM 1 FOR 4)"),
            ("substring(sku from 1 for 4)", "\"substring\"(sku, 1, 4)"),
            ("(a || ' ') || b", "(((a)::text || ' '::text) || (b)::text)"),
            ("name like 'a%'", "(name ~~ 'a%'::text)"),
            ("a between 1 and 5", "((a >= 1) AND (a <= 5))"),
            ("\"userId\" % 7", "(\"userId\" % 7)"),
            ("extract(year from d)", "EXTRACT(year FROM d)"),
            ("x is not true", "(x IS NOT TRUE)"),
            ("to_tsvector('english', name)", "to_tsvector('english'::regconfig, name)"),
        ] {
            assert_eq!(canonical(written), canonical(printed), "{written}");
            assert_eq!(canonical(&canonical(written)), canonical(written), "{written}");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        for (one, other) in [
            ("lower(email)", "upper(email)"),
            ("id::text", "id"),
            ("created_at::date", "created_at"),
            ("a - b", "b - a"),
            ("a < 5", "a > 5"),
            ("status = 'open'", "status = 'Open'"),
            ("active", "active IS TRUE"),
            ("a IS NULL", "a IS NOT NULL"),
            ("a AND b", "a OR b"),
            ("\"A\"", "a"),
        ] {
            assert!(!same_expression(one, other), "{one} {other}");
        }
        assert!(same_predicate("b = 2 AND a = 1", "((a = 1) AND (b = 2))"));
    }
}
