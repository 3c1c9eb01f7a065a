//! sqlparser's FROM items → `tree::From`.

use sqlparser::ast;

use super::super::tree::{Alias, Expr, From, Join, JoinCondition};
use super::{Lowered, expression, function, name_of, path, query};

/// Lowers a FROM list.
pub(super) fn list(items: &[ast::TableWithJoins]) -> Lowered<Vec<From>> {
    items.iter().map(with_joins).collect()
}

/// Lowers an item with the joins that follow it; they associate to the left.
pub(super) fn with_joins(item: &ast::TableWithJoins) -> Lowered<From> {
    let mut left = factor(&item.relation)?;
    for join in &item.joins {
        let (kind, constraint) = join_kind(&join.join_operator)?;
        let condition = match constraint {
            ast::JoinConstraint::On(expr) => JoinCondition::On(expression(expr)?),
            ast::JoinConstraint::Using(names) => JoinCondition::Using(
                names.iter().map(|name| Ok(path(name)?.pop().unwrap_or_default())).collect::<Lowered<_>>()?,
            ),
            ast::JoinConstraint::Natural => JoinCondition::Natural,
            ast::JoinConstraint::None => JoinCondition::None,
        };
        let right = Box::new(factor(&join.relation)?);
        left = From::Join { left: Box::new(left), right, kind, condition, alias: None };
    }
    Ok(left)
}

fn join_kind(operator: &ast::JoinOperator) -> Lowered<(Join, &ast::JoinConstraint)> {
    match operator {
        ast::JoinOperator::Join(constraint)
        | ast::JoinOperator::Inner(constraint)
        | ast::JoinOperator::CrossJoin(constraint) => Ok((Join::Inner, constraint)),
        ast::JoinOperator::Left(constraint) | ast::JoinOperator::LeftOuter(constraint) => Ok((Join::Left, constraint)),
        ast::JoinOperator::Right(constraint) | ast::JoinOperator::RightOuter(constraint) => {
            Ok((Join::Right, constraint))
        }
        ast::JoinOperator::FullOuter(constraint) => Ok((Join::Full, constraint)),
        _ => Err("a kind of join that is not PostgreSQL's".to_owned()),
    }
}

/// Lowers one FROM item.
pub(super) fn factor(factor: &ast::TableFactor) -> Lowered<From> {
    match factor {
        ast::TableFactor::Table { name, alias, args: None, sample, with_ordinality: false, .. } => {
            Ok(From::Relation { path: path(name)?, alias: self::alias(alias.as_ref()), is_sampled: sample.is_some() })
        }
        ast::TableFactor::Table { name, alias, args, with_ordinality, .. } => {
            let args = args.as_ref().map_or(&[][..], |args| &args.args);
            function_item(name, args, alias.as_ref(), *with_ordinality)
        }
        ast::TableFactor::Function { name, args, alias, with_ordinality, .. } => {
            function_item(name, args, alias.as_ref(), *with_ordinality)
        }
        ast::TableFactor::TableFunction { expr, alias } => Ok(From::Function {
            name: String::new(),
            args: vec![expression(expr)?],
            alias: self::alias(alias.as_ref()),
        }),
        ast::TableFactor::UNNEST { alias, array_exprs, .. } => Ok(From::Function {
            name: "unnest".to_owned(),
            args: array_exprs.iter().map(expression).collect::<Lowered<_>>()?,
            alias: self::alias(alias.as_ref()),
        }),
        ast::TableFactor::Derived { lateral, subquery, alias, .. } => Ok(From::Query {
            is_lateral: *lateral,
            query: Box::new(query::query(subquery)?),
            alias: self::alias(alias.as_ref()),
        }),
        ast::TableFactor::NestedJoin { table_with_joins, alias } => {
            let inner = with_joins(table_with_joins)?;
            Ok(match (inner, self::alias(alias.as_ref())) {
                (From::Join { left, right, kind, condition, .. }, Some(alias)) => {
                    From::Join { left, right, kind, condition, alias: Some(alias) }
                }
                (inner, _) => inner,
            })
        }
        ast::TableFactor::JsonTable { json_expr, columns, alias, .. } => Ok(From::Function {
            name: "json_table".to_owned(),
            args: vec![expression(json_expr)?],
            alias: named_columns(alias.as_ref(), json_columns(columns)),
        }),
        ast::TableFactor::XmlTable { row_expression, passing, columns, alias, .. } => {
            let mut args = vec![expression(row_expression)?];
            for argument in &passing.arguments {
                args.push(expression(&argument.expr)?);
            }
            let names = columns.iter().map(|column| name_of(&column.name)).collect();
            Ok(From::Function { name: "xmltable".to_owned(), args, alias: named_columns(alias.as_ref(), names) })
        }
        _ => Err("a FROM item that is not PostgreSQL's".to_owned()),
    }
}

fn function_item(
    name: &ast::ObjectName,
    args: &[ast::FunctionArg],
    alias: Option<&ast::TableAlias>,
    with_ordinality: bool,
) -> Lowered<From> {
    let name = path(name)?.pop().unwrap_or_default();
    let args: Vec<Expr> = function::arguments(args)?;
    let mut alias = self::alias(alias);
    if with_ordinality && alias.as_ref().is_none_or(|alias| alias.columns.is_empty()) {
        let alias = alias.get_or_insert(Alias { name: name.clone(), columns: Vec::new() });
        alias.columns = vec![alias.name.clone(), "ordinality".to_owned()];
    }
    Ok(From::Function { name, args, alias })
}

fn named_columns(alias: Option<&ast::TableAlias>, columns: Vec<String>) -> Option<Alias> {
    let mut alias = self::alias(alias)?;
    if alias.columns.is_empty() {
        alias.columns = columns;
    }
    Some(alias)
}

fn json_columns(columns: &[ast::JsonTableColumn]) -> Vec<String> {
    columns
        .iter()
        .flat_map(|column| match column {
            ast::JsonTableColumn::Named(column) => vec![name_of(&column.name)],
            ast::JsonTableColumn::ForOrdinality(name) => vec![name_of(name)],
            ast::JsonTableColumn::Nested(nested) => json_columns(&nested.columns),
        })
        .collect()
}

fn alias(alias: Option<&ast::TableAlias>) -> Option<Alias> {
    let alias = alias?;
    let columns = alias.columns.iter().map(|column| name_of(&column.name)).collect();
    Some(Alias { name: name_of(&alias.name), columns })
}
