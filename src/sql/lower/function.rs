//! sqlparser's function calls → `tree::Call`.

use sqlparser::ast;

use super::super::tree::{Call, Expr, Window};
use super::{Lowered, expression, name_of, path, query};

/// Lowers a call.
pub(super) fn call(function: &ast::Function) -> Lowered<Expr> {
    let mut name = path(&function.name)?;
    if name.len() > 1 && name[0] == "pg_catalog" {
        name.remove(0);
    }
    let mut call = Call { name, ..Call::default() };
    match &function.args {
        ast::FunctionArguments::None => {}
        ast::FunctionArguments::Subquery(subquery) => {
            let subquery = Box::new(query::query(subquery)?);
            if call.base_name() == "array" {
                return Ok(Expr::Subquery { query: subquery, is_array: true });
            }
            call.args.push(Expr::Subquery { query: subquery, is_array: false });
        }
        ast::FunctionArguments::List(list) => argument_list(&mut call, list)?,
    }
    if call.name == ["row"] {
        return Ok(Expr::Row(call.args));
    }
    call.within_group = query::sort_keys(&function.within_group)?;
    call.filter = function.filter.as_deref().map(expression).transpose()?;
    call.over = match &function.over {
        Some(ast::WindowType::WindowSpec(spec)) => Some(query::window(spec)?),
        Some(ast::WindowType::NamedWindow(name)) => Some(Window { base: Some(name_of(name)), ..Window::default() }),
        None => None,
    };
    Ok(Expr::Function(Box::new(call)))
}

fn argument_list(call: &mut Call, list: &ast::FunctionArgumentList) -> Lowered<()> {
    call.is_distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
    call.args = arguments(&list.args)?;
    for clause in &list.clauses {
        if let ast::FunctionArgumentClause::OrderBy(keys) = clause {
            call.order = query::sort_keys(keys)?;
        }
    }
    Ok(())
}

/// Lowers arguments; the names of named ones do not matter here.
pub(super) fn arguments(args: &[ast::FunctionArg]) -> Lowered<Vec<Expr>> {
    let mut lowered = Vec::with_capacity(args.len());
    for arg in args {
        let value = match arg {
            ast::FunctionArg::Named { arg, .. } | ast::FunctionArg::Unnamed(arg) => arg,
            // `days => $1` names an argument, `json_object('a': b)` and `('a' VALUE b)` have two values.
            ast::FunctionArg::ExprNamed { name, arg, operator } => {
                if matches!(operator, ast::FunctionArgOperator::Colon | ast::FunctionArgOperator::Value) {
                    lowered.push(expression(name)?);
                }
                arg
            }
        };
        lowered.push(match value {
            ast::FunctionArgExpr::Expr(expr) => expression(expr)?,
            ast::FunctionArgExpr::QualifiedWildcard(name) => Expr::Star(path(name)?),
            ast::FunctionArgExpr::Wildcard | ast::FunctionArgExpr::WildcardWithOptions(_) => Expr::Star(Vec::new()),
        });
    }
    Ok(lowered)
}
