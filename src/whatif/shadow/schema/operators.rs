//! Own operators and casts, and the kinds of objects that are only named.

use super::step::Step;
use crate::pg::quote_identifier;
use crate::snapshot::schema::{Cast, Operator};

pub(super) fn operator(operator: &Operator) -> Step {
    let left = operator.left.as_deref();
    let mut options = operator.options.clone();
    options.extend(left.map(|left| format!("LEFTARG = {left}")));
    options.push(format!("RIGHTARG = {}", operator.right));
    let qualified = format!("{}.{}", quote_identifier(&operator.schema), operator.name);
    let sql = format!("CREATE OPERATOR {qualified} ({})", options.join(", "));
    let name = format!("{qualified} ({}, {})", left.unwrap_or("NONE"), operator.right);
    Step::one("operator", name, sql)
}

pub(super) fn cast(cast: &Cast) -> Step {
    let name = format!("({} AS {})", cast.source, cast.target);
    let sql = format!("CREATE CAST {name} {}", cast.method);
    Step::one("cast", name, sql)
}
