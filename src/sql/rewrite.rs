//! Rewriting a lookup of one key into one statement for many keys. Text in, text out; shown to users, never sent to a server.

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, LimitClause, Query, Select, SelectItem, SetExpr, Statement, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// Texts longer than this are not rewritten: nobody reads the result, and deep trees need a deep stack.
const TEXT_BYTES_MAX: usize = 8192;

/// The lookup `text` over `column` (of type `type_sql`) for many keys at once:
///
/// - `SELECT cols FROM t WHERE k = $1` → `SELECT k, cols FROM t WHERE k = ANY($1::type[])`;
/// - an aggregate gets `GROUP BY k`;
/// - with ORDER BY and LIMIT, rows are wanted per key: `unnest($1::type[])` with a LATERAL subquery.
///
/// `None` when the statement is not of these forms.
pub fn batch_by_key(text: &str, column: &str, type_sql: &str) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, text).ok()?;
    let (Some(Statement::Query(mut query)), true) = (statements.pop(), statements.is_empty()) else { return None };
    if query.with.is_some() || !query.locks.is_empty() {
        return None;
    }
    let is_top_n = query.order_by.is_some() && query.limit_clause.is_some();
    let select = plain_select(&mut query)?;
    let condition = select.selection.as_mut()?;
    if is_top_n {
        let parameter = replace_key(condition, column, &|_| raw("key.value"))?;
        return Some(format!(
            "SELECT found.* FROM unnest({parameter}::{type_sql}[]) AS key (value) CROSS JOIN LATERAL ({query}) AS found"
        ));
    }
    let key = key_reference(condition, column)?;
    replace_key(condition, column, &|parameter| raw(&format!("ANY({parameter}::{type_sql}[])")))?;
    let is_aggregate = select.projection.iter().any(is_aggregate);
    if is_aggregate {
        select.group_by = GroupByExpr::Expressions(vec![key.clone()], Vec::new());
    }
    if !select.projection.iter().any(|item| delivers(item, column)) {
        select.projection.insert(0, SelectItem::UnnamedExpr(key));
    }
    query.limit_clause = None::<LimitClause>;
    if is_aggregate {
        query.order_by = None;
    }
    Some(query.to_string())
}

/// SQL that is only ever printed again: an identifier without quotes prints as it is.
fn raw(sql: &str) -> Expr {
    Expr::Identifier(Ident::new(sql))
}

fn plain_select(query: &mut Query) -> Option<&mut Select> {
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let has_groups = !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
    (select.distinct.is_none() && !has_groups && select.having.is_none()).then_some(select)
}

/// Replaces the comparand of `column = comparand` by `make(comparand as SQL)`, and returns the comparand's text.
fn replace_key(condition: &mut Expr, column: &str, make: &dyn Fn(&str) -> Expr) -> Option<String> {
    match condition {
        Expr::Nested(inner) => replace_key(inner, column, make),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            replace_key(left, column, make).or_else(|| replace_key(right, column, make))
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_column(left, column) => {
            let parameter = match right.as_ref() {
                Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => right.to_string(),
                Expr::Value(_) => "$1".to_owned(),
                _ => return None,
            };
            **right = make(&parameter);
            Some(parameter)
        }
        _ => None,
    }
}

fn key_reference(condition: &Expr, column: &str) -> Option<Expr> {
    match condition {
        Expr::Nested(inner) => key_reference(inner, column),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            key_reference(left, column).or_else(|| key_reference(right, column))
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, .. } if is_column(left, column) => Some((**left).clone()),
        _ => None,
    }
}

fn is_column(expression: &Expr, column: &str) -> bool {
    let is_name = |ident: &Ident| {
        if ident.quote_style.is_some() { ident.value == column } else { ident.value.to_lowercase() == column }
    };
    match expression {
        Expr::Identifier(ident) => is_name(ident),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(is_name),
        _ => false,
    }
}

fn delivers(item: &SelectItem, column: &str) -> bool {
    match item {
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => true,
        SelectItem::UnnamedExpr(expression) => is_column(expression, column),
        SelectItem::ExprWithAlias { expr, .. } => is_column(expr, column),
        _ => false,
    }
}

fn is_aggregate(item: &SelectItem) -> bool {
    let expression = match item {
        SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. } => expression,
        _ => return false,
    };
    match expression {
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            function.over.is_none()
                && matches!(name.as_str(), "count" | "sum" | "min" | "max" | "avg" | "bool_or" | "bool_and")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_at_once() {
        for (text, column, type_sql, batched) in [
            (
                "SELECT id, name FROM authors WHERE id = $1",
                "id",
                "integer",
                Some("SELECT id, name FROM authors WHERE id = ANY($1::integer[])"),
            ),
            (
                r#"SELECT "posts".* FROM "posts" WHERE "posts"."author_id" = $1 AND "posts"."deleted_at" IS NULL"#,
                "author_id",
                "bigint",
                Some(
                    r#"SELECT "posts".* FROM "posts" WHERE "posts"."author_id" = ANY($1::bigint[]) AND "posts"."deleted_at" IS NULL"#,
                ),
            ),
            (
                "SELECT title FROM posts WHERE author_id = $2 LIMIT $1",
                "author_id",
                "bigint",
                Some("SELECT author_id, title FROM posts WHERE author_id = ANY($2::bigint[])"),
            ),
            (
                "SELECT count(*) FROM posts WHERE author_id = $1",
                "author_id",
                "bigint",
                Some("SELECT author_id, count(*) FROM posts WHERE author_id = ANY($1::bigint[]) GROUP BY author_id"),
            ),
            (
                "SELECT id FROM posts WHERE author_id = $1 ORDER BY created_at DESC LIMIT $2",
                "author_id",
                "bigint",
                Some(
                    "SELECT found.* FROM unnest($1::bigint[]) AS key (value) CROSS JOIN LATERAL (SELECT id FROM posts WHERE author_id = key.value ORDER BY created_at DESC LIMIT $2) AS found",
                ),
            ),
            ("SELECT id FROM posts WHERE author_id > $1", "author_id", "bigint", None),
            ("SELECT DISTINCT id FROM posts WHERE author_id = $1", "author_id", "bigint", None),
            ("UPDATE posts SET a = 1 WHERE id = $1", "id", "bigint", None),
        ] {
            assert_eq!(batch_by_key(text, column, type_sql).as_deref(), batched, "{text}");
        }
    }
}
