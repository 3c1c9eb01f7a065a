//! Select lists: `*` expanded, outputs named as PostgreSQL names them.

use super::super::error::{ShapeError, quoted};
use super::super::target::{AGGREGATES, SET_RETURNING};
use super::super::tree::{Body, Distinct, Expr, Item, Query};
use super::scope::{Columns, Output, Scope};
use super::{Done, Resolver};

impl<'s> Resolver<'_, 's> {
    /// The outputs of a select list, and the scans of which it has `*`.
    pub(super) fn outputs(&mut self, items: &[Item], scope: &Scope<'_, 's>) -> Done<(Vec<Output>, Vec<usize>)> {
        let mut outputs = Vec::with_capacity(items.len());
        let mut whole = Vec::new();
        for item in items {
            match item {
                Item::Star(path) => star(path, scope, &mut outputs, &mut whole)?,
                Item::Expr { expr, alias } => {
                    let name = alias.clone().unwrap_or_else(|| output_name(expr));
                    outputs.push(Output { name, expr: self.expr(expr, scope)? });
                }
            }
        }
        Ok((outputs, whole))
    }
}

fn star(path: &[String], scope: &Scope<'_, '_>, outputs: &mut Vec<Output>, whole: &mut Vec<usize>) -> Done<()> {
    let items: Vec<_> = match path {
        [] => {
            outputs.extend(scope.merged.iter().map(|(name, expr)| Output { name: name.clone(), expr: expr.clone() }));
            scope.items.iter().collect()
        }
        [.., name] => {
            let mut around = Some(scope);
            let mut found = None;
            while let (Some(current), None) = (around, found) {
                found = current.item(None, name);
                around = current.env.outer;
            }
            vec![found.ok_or_else(|| ShapeError::UnknownRelation(quoted(path)))?]
        }
    };
    for item in items {
        if let Columns::Scan { scan, .. } = &item.columns {
            whole.push(*scan);
        }
        let is_merged = |name: &str| path.is_empty() && scope.merged.iter().any(|(merged, _)| merged == name);
        outputs.extend(item.all_columns().into_iter().filter(|output| !is_merged(&output.name)));
    }
    Ok(())
}

/// The name that PostgreSQL gives an output without alias (`FigureColname`).
fn output_name(expr: &Expr) -> String {
    match expr {
        Expr::Column(path) => path.last().cloned().unwrap_or_default(),
        Expr::Field { field, .. } => field.clone(),
        Expr::Cast { expr, type_name } => match output_name(expr) {
            name if name == UNNAMED => type_name.clone(),
            name => name,
        },
        Expr::Collate { expr, .. } | Expr::Subscript { expr, .. } => output_name(expr),
        Expr::Function(call) => call.base_name().to_owned(),
        Expr::Case { .. } => "case".to_owned(),
        Expr::Array(_) | Expr::Subquery { is_array: true, .. } => "array".to_owned(),
        Expr::Exists { .. } => "exists".to_owned(),
        Expr::Row(_) => "row".to_owned(),
        Expr::Subquery { query, .. } => match &query.body {
            Body::Select(select) => match select.items.first() {
                Some(Item::Expr { alias: Some(alias), .. }) => alias.clone(),
                Some(Item::Expr { expr, .. }) => output_name(expr),
                _ => UNNAMED.to_owned(),
            },
            _ => UNNAMED.to_owned(),
        },
        _ => UNNAMED.to_owned(),
    }
}

const UNNAMED: &str = "?column?";

/// Whether it returns several rows for one (`unnest(tags)` in a select list).
pub(super) fn is_set_returning(expr: &Expr) -> bool {
    expr.any(&mut |part| match part {
        Expr::Function(call) => SET_RETURNING.contains(&call.base_name()),
        _ => false,
    })
}

/// Whether it has an aggregate that is no window function.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.any(&mut |part| match part {
        Expr::Function(call) => call.over.is_none() && AGGREGATES.contains(&call.base_name()),
        _ => false,
    })
}

/// The arguments of `min` and `max` when these are all that is selected.
pub(super) fn extremes(outputs: &[Output]) -> Vec<Expr> {
    let argument = |output: &Output| match strip_default(&output.expr) {
        Expr::Function(call) if matches!(call.base_name(), "min" | "max") && call.filter.is_none() => {
            call.args.first().filter(|_| call.over.is_none()).cloned()
        }
        _ => None,
    };
    outputs.iter().map(argument).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// `coalesce(max(x), 0)`, `max(x)::date` → `max(x)`
fn strip_default(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } => strip_default(expr),
        Expr::Function(call) if call.base_name() == "coalesce" => call.args.first().map_or(expr, strip_default),
        Expr::Binary { op, left, right } if op == "+" && matches!(**right, Expr::Literal(_) | Expr::Parameter(_)) => {
            strip_default(left)
        }
        expr => expr,
    }
}

/// Whether a select list has nothing that keeps a subquery from becoming part of the query around it.
pub(super) fn is_pulled_up(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    let is_plain_item = |item: &Item| match item {
        Item::Star(_) => true,
        Item::Expr { expr, .. } => {
            let has_window = expr.any(&mut |part| matches!(part, Expr::Function(call) if call.over.is_some()));
            !has_window && !has_aggregate(expr) && !is_set_returning(expr)
        }
    };
    query.ctes.is_empty()
        && is_bare(query)
        && select.distinct == Distinct::No
        && select.group.is_empty()
        && select.having.is_none()
        && select.items.iter().all(is_plain_item)
}

/// Whether nothing follows its body.
pub(super) fn is_bare(query: &Query) -> bool {
    query.order.is_empty() && query.limit.is_none() && query.offset.is_none() && query.locks.is_empty()
}
