//! sqlparser's queries → `tree::Query`: WITH, set operations, SELECT, ORDER BY, LIMIT, locks.

use sqlparser::ast;

use super::super::tree::{Body, Cte, Distinct, Expr, From, Item, Lock, Query, Select, SetOp, SortKey, Window};
use super::{Lowered, expression, from, name_of, path};

/// Lowers a query.
pub(super) fn query(query: &ast::Query) -> Lowered<Query> {
    let (limit, offset) = limits(query)?;
    let order = match &query.order_by {
        Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(keys), .. }) => sort_keys(keys)?,
        Some(_) => return Err("ORDER BY ALL is not PostgreSQL".to_owned()),
        None => Vec::new(),
    };
    let locks = query.locks.iter().map(lock).collect::<Lowered<_>>()?;
    Ok(Query {
        ctes: query.with.iter().flat_map(|with| &with.cte_tables).map(cte).collect::<Lowered<_>>()?,
        is_recursive: query.with.as_ref().is_some_and(|with| with.recursive),
        body: body(&query.body)?,
        order,
        limit,
        offset,
        locks,
    })
}

fn lock(lock: &ast::LockClause) -> Lowered<Lock> {
    Ok(Lock { of: lock.of.as_ref().map(path).transpose()?.and_then(|mut path| path.pop()) })
}

fn limits(query: &ast::Query) -> Lowered<(Option<Expr>, Option<Expr>)> {
    let (mut limit, offset) = match &query.limit_clause {
        Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => {
            (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
        }
        Some(ast::LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        None => (None, None),
    };
    let one = ast::Expr::value(ast::Value::Number("1".to_owned(), false));
    if let Some(fetch) = &query.fetch {
        limit = Some(fetch.quantity.as_ref().unwrap_or(&one));
    }
    Ok((limit.map(expression).transpose()?, offset.map(expression).transpose()?))
}

fn cte(cte: &ast::Cte) -> Lowered<Cte> {
    let materialized = cte.materialized.as_ref().map(|kind| matches!(kind, ast::CteAsMaterialized::Materialized));
    Ok(Cte {
        name: name_of(&cte.alias.name),
        columns: cte.alias.columns.iter().map(|column| name_of(&column.name)).collect(),
        materialized,
        query: Box::new(query(&cte.query)?),
    })
}

/// Set operations are left spines as deep as there are operands: collected in a loop, then folded.
fn body(mut body: &ast::SetExpr) -> Lowered<Body> {
    let mut pending = Vec::new();
    while let ast::SetExpr::SetOperation { op, set_quantifier, left, right } = body {
        let op = match op {
            ast::SetOperator::Union => SetOp::Union,
            ast::SetOperator::Intersect => SetOp::Intersect,
            ast::SetOperator::Except | ast::SetOperator::Minus => SetOp::Except,
        };
        pending.push((op, matches!(set_quantifier, ast::SetQuantifier::All), &**right));
        body = left;
    }
    let mut folded = operand(body)?;
    for (op, is_all, right) in pending.into_iter().rev() {
        let right = self::body(right)?;
        folded = match folded {
            Body::Set { op: same, is_all: also, mut arms } if same == op && also == is_all => {
                arms.push(right);
                Body::Set { op, is_all, arms }
            }
            first => Body::Set { op, is_all, arms: vec![first, right] },
        };
    }
    Ok(folded)
}

fn operand(body: &ast::SetExpr) -> Lowered<Body> {
    match body {
        ast::SetExpr::Select(select) => Ok(Body::Select(Box::new(self::select(select)?))),
        ast::SetExpr::Query(query) => Ok(Body::Query(Box::new(self::query(query)?))),
        ast::SetExpr::Values(values) => values
            .rows
            .iter()
            .map(|row| row.content.iter().map(expression).collect::<Lowered<Vec<Expr>>>())
            .collect::<Lowered<_>>()
            .map(Body::Values),
        ast::SetExpr::Insert(statement)
        | ast::SetExpr::Update(statement)
        | ast::SetExpr::Delete(statement)
        | ast::SetExpr::Merge(statement) => Ok(Body::Statement(Box::new(super::statement(statement)?))),
        ast::SetExpr::Table(table) => {
            let path: Vec<String> = table.schema_name.iter().chain(&table.table_name).cloned().collect();
            let relation = From::Relation { path, alias: None, is_sampled: false };
            let items = vec![Item::Star(Vec::new())];
            Ok(Body::Select(Box::new(Select { items, from: vec![relation], ..Select::default() })))
        }
        ast::SetExpr::SetOperation { .. } => self::body(body),
    }
}

fn select(select: &ast::Select) -> Lowered<Select> {
    if select.into.is_some() {
        return Err("SELECT INTO creates a relation".to_owned());
    }
    let distinct = match &select.distinct {
        Some(ast::Distinct::On(keys)) => Distinct::On(keys.iter().map(expression).collect::<Lowered<_>>()?),
        Some(ast::Distinct::Distinct) => Distinct::Rows,
        Some(ast::Distinct::All) | None => Distinct::No,
    };
    let group = match &select.group_by {
        ast::GroupByExpr::Expressions(keys, _) => keys.iter().map(expression).collect::<Lowered<Vec<_>>>()?,
        ast::GroupByExpr::All(_) => return Err("GROUP BY ALL is not read".to_owned()),
    };
    let has_grouping_sets = group.iter().any(|key| matches!(key, Expr::GroupingSets(_)));
    Ok(Select {
        distinct,
        items: items(&select.projection)?,
        from: from::list(&select.from)?,
        filter: select.selection.as_ref().map(expression).transpose()?,
        group,
        has_grouping_sets,
        having: select.having.as_ref().map(expression).transpose()?,
        windows: select.named_window.iter().map(named_window).collect::<Lowered<_>>()?,
    })
}

fn named_window(definition: &ast::NamedWindowDefinition) -> Lowered<(String, Window)> {
    let window = match &definition.1 {
        ast::NamedWindowExpr::NamedWindow(base) => Window { base: Some(name_of(base)), ..Window::default() },
        ast::NamedWindowExpr::WindowSpec(spec) => window(spec)?,
    };
    Ok((name_of(&definition.0), window))
}

/// Lowers a window.
pub(super) fn window(spec: &ast::WindowSpec) -> Lowered<Window> {
    Ok(Window {
        base: spec.window_name.as_ref().map(name_of),
        partition: spec.partition_by.iter().map(expression).collect::<Lowered<_>>()?,
        order: sort_keys(&spec.order_by)?,
        has_frame: spec.window_frame.is_some(),
    })
}

/// Lowers ORDER BY keys.
pub(super) fn sort_keys(keys: &[ast::OrderByExpr]) -> Lowered<Vec<SortKey>> {
    keys.iter()
        .map(|key| {
            let descending = match &key.options.sort {
                Some(ast::OrderBySort::Desc) => true,
                Some(ast::OrderBySort::Using(operator)) => path(operator)?.last().is_some_and(|op| op == ">"),
                Some(ast::OrderBySort::Asc) | None => false,
            };
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            Ok(SortKey { expr: expression(&key.expr)?, descending, nulls_first })
        })
        .collect()
}

/// Lowers a select list.
pub(super) fn items(items: &[ast::SelectItem]) -> Lowered<Vec<Item>> {
    items
        .iter()
        .map(|item| match item {
            ast::SelectItem::UnnamedExpr(expr) => Ok(Item::Expr { expr: expression(expr)?, alias: None }),
            ast::SelectItem::ExprWithAlias { expr, alias } => {
                Ok(Item::Expr { expr: expression(expr)?, alias: Some(name_of(alias)) })
            }
            ast::SelectItem::Wildcard(_) => Ok(Item::Star(Vec::new())),
            ast::SelectItem::QualifiedWildcard(kind, _) => match kind {
                ast::SelectItemQualifiedWildcardKind::ObjectName(name) => path(name).map(Item::Star),
                ast::SelectItemQualifiedWildcardKind::Expr(expr) => {
                    Ok(Item::Expr { expr: expression(expr)?, alias: None })
                }
            },
            ast::SelectItem::ExprWithAliases { .. } => Err("a select item with several names".to_owned()),
        })
        .collect()
}
