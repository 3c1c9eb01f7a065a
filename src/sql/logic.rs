//! Boolean algebra on conditions: into conjuncts, NOT pushed inwards, common factors of OR pulled out, and on which
//! scans a condition cannot be true for a row of NULLs. As PostgreSQL's `prepqual.c` and `find_nonnullable_rels`.

use std::collections::BTreeSet;

use super::tree::{Expr, Test};

/// `expr` as conditions that must all hold.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        Expr::Not(inner) => match negated(*inner) {
            same @ Expr::Not(_) => vec![same],
            pushed => conjuncts(pushed),
        },
        Expr::Or(arms) => factored(arms),
        Expr::Binary { op, left, right } if op == "=" => match (*left, *right) {
            (Expr::Row(left), Expr::Row(right)) if left.len() == right.len() => {
                let pairs = left.into_iter().zip(right);
                pairs.flat_map(|(left, right)| conjuncts(Expr::binary("=", left, right))).collect()
            }
            (left, right) => vec![Expr::binary("=", left, right)],
        },
        expr => vec![expr],
    }
}

/// `(a AND b) OR (a AND c)` → `a`, `b OR c`
fn factored(arms: Vec<Expr>) -> Vec<Expr> {
    let arms: Vec<Vec<Expr>> = arms.into_iter().map(conjuncts).collect();
    let Some((first, others)) = arms.split_first() else { return Vec::new() };
    let is_common = |part: &Expr| others.iter().all(|arm| arm.contains(part));
    let common: Vec<Expr> = first.iter().filter(|part| is_common(part)).cloned().collect();
    let mut rests = Vec::with_capacity(arms.len());
    for arm in arms {
        let mut rest: Vec<Expr> = arm.into_iter().filter(|part| !common.contains(part)).collect();
        match rest.len() {
            // One arm says no more than what all of them say.
            0 => return common,
            1 => rests.extend(rest.pop()),
            _ => rests.push(Expr::And(rest)),
        }
    }
    let mut parts = common;
    parts.push(Expr::Or(rests));
    parts
}

/// NOT `expr`, pushed inwards as far as it goes.
pub(super) fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        Expr::And(parts) => Expr::Or(parts.into_iter().map(negated).collect()),
        Expr::Or(parts) => Expr::And(parts.into_iter().map(negated).collect()),
        Expr::In { expr, list, is_negated } => Expr::In { expr, list, is_negated: !is_negated },
        Expr::Is { expr, test, is_negated } => Expr::Is { expr, test, is_negated: !is_negated },
        Expr::Distinct { left, right, is_negated } => Expr::Distinct { left, right, is_negated: !is_negated },
        Expr::Exists { query, is_negated } => Expr::Exists { query, is_negated: !is_negated },
        Expr::InQuery { expr, op, query, is_negated } if op == "=" => {
            Expr::InQuery { expr, op, query, is_negated: !is_negated }
        }
        Expr::Binary { op, left, right } => match negator(&op) {
            Some(negator) => Expr::Binary { op: negator.to_owned(), left, right },
            None => Expr::Not(Box::new(Expr::Binary { op, left, right })),
        },
        Expr::Any { expr, op, is_all, array } => match negator(&op) {
            Some(negator) => Expr::Any { expr, op: negator.to_owned(), is_all: !is_all, array },
            None => Expr::Not(Box::new(Expr::Any { expr, op, is_all, array })),
        },
        expr => Expr::Not(Box::new(expr)),
    }
}

fn negator(op: &str) -> Option<&'static str> {
    Some(match op {
        "=" => "<>",
        "<>" => "=",
        "<" => ">=",
        ">=" => "<",
        ">" => "<=",
        "<=" => ">",
        "~~" => "!~~",
        "!~~" => "~~",
        "~~*" => "!~~*",
        "!~~*" => "~~*",
        "~" => "!~",
        "!~" => "~",
        "~*" => "!~*",
        "!~*" => "~*",
        "SIMILAR TO" => "NOT SIMILAR TO",
        "NOT SIMILAR TO" => "SIMILAR TO",
        _ => return None,
    })
}

/// The scans that `expr` names.
pub(super) fn scans_of(expr: &Expr) -> BTreeSet<usize> {
    let mut scans = BTreeSet::new();
    expr.any(&mut |part| {
        if let Expr::ScanColumn { scan, .. } = part {
            scans.insert(*scan);
        }
        false
    });
    scans
}

/// The scans for whose row of NULLs `expr`, as a condition, cannot be true.
pub(super) fn strict_scans(expr: &Expr) -> BTreeSet<usize> {
    match expr {
        Expr::ScanColumn { scan, .. } => BTreeSet::from([*scan]),
        Expr::And(parts) => parts.iter().flat_map(strict_scans).collect(),
        Expr::Or(parts) => {
            let mut arms = parts.iter().map(strict_scans);
            let first = arms.next().unwrap_or_default();
            arms.fold(first, |common, arm| common.intersection(&arm).copied().collect())
        }
        Expr::Not(expr) | Expr::Cast { expr, .. } | Expr::Collate { expr, .. } | Expr::Prefix { expr, .. } => {
            strict_scans(expr)
        }
        Expr::Binary { left, right, .. } => strict_scans(left).union(&strict_scans(right)).copied().collect(),
        Expr::In { expr, .. } | Expr::Any { expr, .. } => strict_scans(expr),
        Expr::InQuery { expr, is_negated: false, .. } => strict_scans(expr),
        Expr::Is { expr, test: Test::Null | Test::Unknown, is_negated: true } => strict_scans(expr),
        Expr::Is { expr, test: Test::True | Test::False, is_negated: false } => strict_scans(expr),
        Expr::Function(call) if STRICT_FUNCTIONS.contains(&call.base_name()) => {
            call.args.iter().flat_map(strict_scans).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Functions that return NULL for any NULL argument and that conditions call.
#[rustfmt::skip]
const STRICT_FUNCTIONS: &[&str] = &[
    "lower", "upper", "length", "abs", "date_trunc", "date_part", "extract", "date", "substring", "substr",
    "btrim", "ltrim", "rtrim", "left", "right", "floor", "ceil", "round", "to_char", "timezone", "replace",
    "split_part", "md5", "starts_with", "position", "strpos", "to_tsvector",
];
