//! sqlparser's expressions → `tree::Expr`: BETWEEN, LIKE, SUBSTRING and other special forms become what they mean.

use sqlparser::ast;

use super::super::tree::{Expr, Test};
use super::type_name::type_name;
use super::{Lowered, function, name_of, path, query};
use crate::pg::identifier::quote_literal;

/// Operands larger than this are not repeated for the two ends of BETWEEN: nested BETWEENs would double each time.
const REPEATED_NODES_MAX: usize = 1000;

/// Lowers an expression. Chains of binary operators and casts are left spines as long as the text: walked in a loop.
pub(in crate::sql) fn expression(expr: &ast::Expr) -> Lowered<Expr> {
    let mut spine = Vec::new();
    let mut innermost = expr;
    loop {
        innermost = match innermost {
            ast::Expr::BinaryOp { left, op, right } => {
                spine.push(Link::Operator(op, right));
                left
            }
            ast::Expr::Cast { expr, data_type, .. } => {
                spine.push(Link::Cast(data_type));
                expr
            }
            ast::Expr::Nested(inner) => inner,
            _ => break,
        };
    }
    let mut lowered = leaf(innermost)?;
    for link in spine.into_iter().rev() {
        lowered = match link {
            Link::Cast(data_type) => Expr::Cast { expr: Box::new(lowered), type_name: type_name(data_type) },
            Link::Operator(op, right) => binary(op, lowered, expression(right)?),
        };
    }
    Ok(lowered)
}

enum Link<'a> {
    Operator(&'a ast::BinaryOperator, &'a ast::Expr),
    Cast(&'a ast::DataType),
}

fn binary(op: &ast::BinaryOperator, left: Expr, right: Expr) -> Expr {
    match op {
        ast::BinaryOperator::And => match left {
            Expr::And(mut parts) => {
                push_flat(&mut parts, right, true);
                Expr::And(parts)
            }
            left => {
                let mut parts = vec![left];
                push_flat(&mut parts, right, true);
                Expr::And(parts)
            }
        },
        ast::BinaryOperator::Or => match left {
            Expr::Or(mut parts) => {
                push_flat(&mut parts, right, false);
                Expr::Or(parts)
            }
            left => {
                let mut parts = vec![left];
                push_flat(&mut parts, right, false);
                Expr::Or(parts)
            }
        },
        ast::BinaryOperator::PGCustomBinaryOperator(path) => {
            Expr::binary(&operator_name(path.last().map_or("", String::as_str)), left, right)
        }
        _ => Expr::binary(&operator_name(&op.to_string()), left, right),
    }
}

fn push_flat(parts: &mut Vec<Expr>, part: Expr, is_and: bool) {
    match part {
        Expr::And(inner) if is_and => parts.extend(inner),
        Expr::Or(inner) if !is_and => parts.extend(inner),
        part => parts.push(part),
    }
}

fn operator_name(op: &str) -> String {
    match op {
        "!=" => "<>".to_owned(),
        op => op.to_owned(),
    }
}

fn leaf(expr: &ast::Expr) -> Lowered<Expr> {
    Ok(match expr {
        ast::Expr::Identifier(ident) => name(ident),
        ast::Expr::CompoundIdentifier(idents) => Expr::Column(idents.iter().map(name_of).collect()),
        ast::Expr::Value(value) => self::value(&value.value)?,
        ast::Expr::TypedString(typed) => {
            Expr::Cast { expr: Box::new(value(&typed.value.value)?), type_name: type_name(&typed.data_type) }
        }
        ast::Expr::Interval(interval) => {
            Expr::Cast { expr: Box::new(expression(&interval.value)?), type_name: "interval".to_owned() }
        }
        ast::Expr::UnaryOp { op, expr } => prefix(op, expression(expr)?),
        ast::Expr::IsNull(expr) => is(expr, Test::Null, false)?,
        ast::Expr::IsNotNull(expr) => is(expr, Test::Null, true)?,
        ast::Expr::IsTrue(expr) => is(expr, Test::True, false)?,
        ast::Expr::IsNotTrue(expr) => is(expr, Test::True, true)?,
        ast::Expr::IsFalse(expr) => is(expr, Test::False, false)?,
        ast::Expr::IsNotFalse(expr) => is(expr, Test::False, true)?,
        ast::Expr::IsUnknown(expr) => is(expr, Test::Unknown, false)?,
        ast::Expr::IsNotUnknown(expr) => is(expr, Test::Unknown, true)?,
        ast::Expr::IsDistinctFrom(left, right) => distinct(left, right, false)?,
        ast::Expr::IsNotDistinctFrom(left, right) => distinct(left, right, true)?,
        ast::Expr::IsNormalized { expr, negated, .. } => {
            negated_if(*negated, Expr::call("is_normalized", vec![expression(expr)?]))
        }
        ast::Expr::IsJson { expr, negated, .. } => negated_if(*negated, Expr::call("is_json", vec![expression(expr)?])),
        ast::Expr::InList { expr, list, negated } => Expr::In {
            expr: Box::new(expression(expr)?),
            list: list.iter().map(expression).collect::<Lowered<_>>()?,
            is_negated: *negated,
        },
        ast::Expr::InSubquery { expr, subquery, negated } => Expr::InQuery {
            expr: Box::new(expression(expr)?),
            op: "=".to_owned(),
            query: Box::new(query::query(subquery)?),
            is_negated: *negated,
        },
        ast::Expr::Between { expr, negated, low, high } => {
            between(expression(expr)?, expression(low)?, expression(high)?, *negated)
        }
        ast::Expr::Like { negated, any, expr, pattern, escape_char } => {
            like(["~~", "!~~"], *negated, *any, expr, pattern, escape_char.as_deref())?
        }
        ast::Expr::ILike { negated, any, expr, pattern, escape_char } => {
            like(["~~*", "!~~*"], *negated, *any, expr, pattern, escape_char.as_deref())?
        }
        ast::Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            like(["SIMILAR TO", "NOT SIMILAR TO"], *negated, false, expr, pattern, escape_char.as_deref())?
        }
        ast::Expr::AnyOp { left, compare_op, right, .. } => quantified(left, compare_op, right, false)?,
        ast::Expr::AllOp { left, compare_op, right } => quantified(left, compare_op, right, true)?,
        ast::Expr::Exists { subquery, negated } => {
            Expr::Exists { query: Box::new(query::query(subquery)?), is_negated: *negated }
        }
        ast::Expr::Subquery(subquery) => Expr::Subquery { query: Box::new(query::query(subquery)?), is_array: false },
        ast::Expr::Function(function) => function::call(function)?,
        ast::Expr::Case { operand, conditions, else_result, .. } => case(operand, conditions, else_result)?,
        ast::Expr::Collate { expr, collation } => {
            Expr::Collate { expr: Box::new(expression(expr)?), collation: super::super::print::path(&path(collation)?) }
        }
        ast::Expr::Tuple(parts) => Expr::Row(parts.iter().map(expression).collect::<Lowered<_>>()?),
        ast::Expr::Array(array) => Expr::Array(array.elem.iter().map(expression).collect::<Lowered<_>>()?),
        ast::Expr::CompoundFieldAccess { root, access_chain } => access(root, access_chain)?,
        ast::Expr::GroupingSets(sets) | ast::Expr::Cube(sets) | ast::Expr::Rollup(sets) => {
            Expr::GroupingSets(sets.iter().flatten().map(expression).collect::<Lowered<_>>()?)
        }
        ast::Expr::Wildcard(_) => Expr::Star(Vec::new()),
        ast::Expr::QualifiedWildcard(name, _) => Expr::Star(path(name)?),
        ast::Expr::Named { expr, .. } => expression(expr)?,
        _ => return special(expr),
    })
}

/// A column, or one of the words that PostgreSQL reserves for something else.
fn name(ident: &ast::Ident) -> Expr {
    match name_of(ident) {
        name if ident.quote_style.is_some() => Expr::Column(vec![name]),
        name if name == "default" => Expr::Literal("DEFAULT".to_owned()),
        name if super::super::print::is_bare_call(&name) => Expr::call(&name, Vec::new()),
        name => Expr::Column(vec![name]),
    }
}

/// Calls with a syntax of their own, as the calls that they are.
fn special(expr: &ast::Expr) -> Lowered<Expr> {
    Ok(match expr {
        ast::Expr::Extract { field, expr, .. } => {
            let field = field.to_string().to_ascii_lowercase();
            let field = quote_literal(field.trim_matches(['"', '\'']));
            Expr::call("extract", vec![Expr::Literal(field), expression(expr)?])
        }
        ast::Expr::Ceil { expr, .. } => Expr::call("ceil", vec![expression(expr)?]),
        ast::Expr::Floor { expr, .. } => Expr::call("floor", vec![expression(expr)?]),
        ast::Expr::Position { expr, r#in } => Expr::call("position", vec![expression(expr)?, expression(r#in)?]),
        ast::Expr::AtTimeZone { timestamp, time_zone } => {
            Expr::call("timezone", vec![expression(time_zone)?, expression(timestamp)?])
        }
        ast::Expr::Substring { expr, substring_from, substring_for, shorthand, .. } => {
            let mut args = vec![expression(expr)?];
            match substring_from {
                Some(from) => args.push(expression(from)?),
                None => args.push(Expr::Literal("1".to_owned())),
            }
            args.extend(substring_for.as_deref().map(expression).transpose()?);
            Expr::call(if *shorthand { "substr" } else { "substring" }, args)
        }
        ast::Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
            let name = match trim_where {
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            let mut args = vec![expression(expr)?];
            args.extend(trim_what.as_deref().map(expression).transpose()?);
            for character in trim_characters.iter().flatten() {
                args.push(expression(character)?);
            }
            Expr::call(name, args)
        }
        ast::Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let mut args = vec![expression(expr)?, expression(overlay_what)?, expression(overlay_from)?];
            args.extend(overlay_for.as_deref().map(expression).transpose()?);
            Expr::call("overlay", args)
        }
        _ => return Err("an expression that is not PostgreSQL's".to_owned()),
    })
}

fn value(value: &ast::Value) -> Lowered<Expr> {
    use ast::Value;
    let literal = match value {
        Value::Number(number, _) => number.clone(),
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text)
        | Value::NationalStringLiteral(text) => quote_literal(text).trim_start().to_owned(),
        Value::DollarQuotedString(string) => quote_literal(&string.value).trim_start().to_owned(),
        Value::HexStringLiteral(text) => format!("X'{text}'"),
        Value::SingleQuotedByteStringLiteral(text) => format!("B'{text}'"),
        Value::Boolean(true) => "true".to_owned(),
        Value::Boolean(false) => "false".to_owned(),
        Value::Null => "NULL".to_owned(),
        Value::Placeholder(text) => return placeholder(text),
        _ => return Err("a constant that is not PostgreSQL's".to_owned()),
    };
    Ok(Expr::Literal(literal))
}

fn placeholder(text: &str) -> Lowered<Expr> {
    let number = text.strip_prefix('$').and_then(|digits| digits.parse().ok());
    number.map(Expr::Parameter).ok_or_else(|| "a placeholder other than $n".to_owned())
}

fn prefix(op: &ast::UnaryOperator, expr: Expr) -> Expr {
    match (op, expr) {
        (ast::UnaryOperator::Not, expr) => not(expr),
        (ast::UnaryOperator::Minus, Expr::Literal(number))
            if number.starts_with(|c: char| c.is_ascii_digit() || c == '.') =>
        {
            Expr::Literal(format!("-{number}"))
        }
        (ast::UnaryOperator::Plus, expr) => expr,
        (op, expr) => Expr::Prefix { op: op.to_string(), expr: Box::new(expr) },
    }
}

/// NOT, taken into what can say it itself.
fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Exists { query, is_negated } => Expr::Exists { query, is_negated: !is_negated },
        Expr::InQuery { expr, op, query, is_negated } => Expr::InQuery { expr, op, query, is_negated: !is_negated },
        Expr::In { expr, list, is_negated } => Expr::In { expr, list, is_negated: !is_negated },
        Expr::Is { expr, test, is_negated } => Expr::Is { expr, test, is_negated: !is_negated },
        Expr::Distinct { left, right, is_negated } => Expr::Distinct { left, right, is_negated: !is_negated },
        Expr::Not(expr) => *expr,
        expr => Expr::Not(Box::new(expr)),
    }
}

fn negated_if(is_negated: bool, expr: Expr) -> Expr {
    if is_negated { not(expr) } else { expr }
}

fn is(expr: &ast::Expr, test: Test, is_negated: bool) -> Lowered<Expr> {
    Ok(Expr::Is { expr: Box::new(expression(expr)?), test, is_negated })
}

fn distinct(left: &ast::Expr, right: &ast::Expr, is_negated: bool) -> Lowered<Expr> {
    Ok(Expr::Distinct { left: Box::new(expression(left)?), right: Box::new(expression(right)?), is_negated })
}

fn between(expr: Expr, low: Expr, high: Expr, is_negated: bool) -> Expr {
    let mut n_nodes = 0;
    expr.any(&mut |_| {
        n_nodes += 1;
        n_nodes > REPEATED_NODES_MAX
    });
    if n_nodes > REPEATED_NODES_MAX {
        return negated_if(is_negated, Expr::call("between", vec![expr, low, high]));
    }
    if is_negated {
        Expr::Or(vec![Expr::binary("<", expr.clone(), low), Expr::binary(">", expr, high)])
    } else {
        Expr::And(vec![Expr::binary(">=", expr.clone(), low), Expr::binary("<=", expr, high)])
    }
}

fn like(
    ops: [&str; 2],
    is_negated: bool,
    is_any: bool,
    expr: &ast::Expr,
    pattern: &ast::Expr,
    escape: Option<&ast::Expr>,
) -> Lowered<Expr> {
    let op = ops[usize::from(is_negated)];
    let expr = expression(expr)?;
    let mut pattern = expression(pattern)?;
    if let Some(escape) = escape {
        pattern = Expr::call("like_escape", vec![pattern, expression(escape)?]);
    }
    if is_any {
        return Ok(Expr::Any { expr: Box::new(expr), op: op.to_owned(), is_all: false, array: Box::new(pattern) });
    }
    Ok(Expr::binary(op, expr, pattern))
}

fn quantified(left: &ast::Expr, op: &ast::BinaryOperator, right: &ast::Expr, is_all: bool) -> Lowered<Expr> {
    let op = match op {
        ast::BinaryOperator::PGCustomBinaryOperator(path) => operator_name(path.last().map_or("", String::as_str)),
        op => operator_name(&op.to_string()),
    };
    let expr = Box::new(expression(left)?);
    let right = expression(right)?;
    Ok(match right {
        Expr::Subquery { query, is_array: false } if !is_all => Expr::InQuery { expr, op, query, is_negated: false },
        Expr::Subquery { query, is_array: false } if op == "<>" => {
            Expr::InQuery { expr, op: "=".to_owned(), query, is_negated: true }
        }
        array => Expr::Any { expr, op, is_all, array: Box::new(array) },
    })
}

fn case(
    operand: &Option<Box<ast::Expr>>,
    conditions: &[ast::CaseWhen],
    otherwise: &Option<Box<ast::Expr>>,
) -> Lowered<Expr> {
    let branches = conditions
        .iter()
        .map(|when| Ok((expression(&when.condition)?, expression(&when.result)?)))
        .collect::<Lowered<_>>()?;
    Ok(Expr::Case {
        operand: operand.as_deref().map(expression).transpose()?.map(Box::new),
        branches,
        otherwise: otherwise.as_deref().map(expression).transpose()?.map(Box::new),
    })
}

fn access(root: &ast::Expr, chain: &[ast::AccessExpr]) -> Lowered<Expr> {
    let is_name = matches!(root, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_));
    let mut lowered = expression(root)?;
    for link in chain {
        lowered = match link {
            ast::AccessExpr::Dot(ast::Expr::Identifier(field)) => match lowered {
                Expr::Column(mut path) if is_name => {
                    path.push(name_of(field));
                    Expr::Column(path)
                }
                row => Expr::Field { expr: Box::new(row), field: name_of(field) },
            },
            ast::AccessExpr::Dot(_) => return Err("a field that is no name".to_owned()),
            ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                Expr::Subscript { expr: Box::new(lowered), bounds: vec![expression(index)?], is_slice: false }
            }
            ast::AccessExpr::Subscript(ast::Subscript::Slice { lower_bound, upper_bound, .. }) => {
                let bounds = lower_bound.iter().chain(upper_bound).map(expression).collect::<Lowered<_>>()?;
                Expr::Subscript { expr: Box::new(lowered), bounds, is_slice: true }
            }
        };
    }
    Ok(lowered)
}
