//! Where a statement's parameters stand, and putting values in their place. Chooses no values.

use std::collections::BTreeMap;

use super::error::ShapeError;
use super::logic::scans_of;
use super::parse;
use super::print;
use super::quals::comparison;
use super::resolve;
use super::shape::Comparison;
use super::tokens::{TokenKind, tokens};
use super::tree::Expr;
use crate::pg::{IndexTarget, Oid};
use crate::snapshot::Catalog;

/// One `$n` of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterUse {
    /// Its number.
    pub number: u32,
    /// Where it stands, the most telling place when it stands at several.
    pub place: ParameterPlace,
    /// The type that it is cast to, in PostgreSQL's own spelling, where it is.
    pub cast: Option<String>,
    /// The parameter that is the other end of the same range: `created_at >= $1 AND created_at < $2`.
    pub other_end: Option<u32>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterPlace {
    /// Compared with a column or expression of a relation.
    Compared {
        /// The relation.
        relation: Oid,
        /// What it is compared with. Expressions may hold other parameters here.
        target: IndexTarget,
        /// How, with the target on the left; `In` for an element of a list, the operator `= ANY` for what is looked for
        /// among the elements of an array column.
        comparison: Comparison,
        /// Whether the parameter is an array: `= ANY ($1)`.
        is_array: bool,
    },
    /// LIMIT or FETCH FIRST.
    Limit,
    /// OFFSET.
    Offset,
    /// A value that INSERT stores in a column.
    Inserted {
        /// The relation.
        relation: Oid,
        /// The column.
        column: String,
    },
    /// A value that UPDATE stores in a column.
    Set {
        /// The relation.
        relation: Oid,
        /// The column.
        column: String,
    },
    /// An interval: `now() - interval $1`.
    Interval,
    /// The field of `extract` or `date_part`, the unit of `date_trunc`.
    DateField,
    /// An argument of a function.
    Argument {
        /// The function's name, without schema.
        function: String,
        /// The argument's position, from 0.
        position: usize,
    },
    /// Somewhere else.
    Unknown,
}

impl ParameterUse {
    /// Parameter `number` at `place`, without more.
    pub fn new(number: u32, place: ParameterPlace) -> Self {
        Self { number, place, cast: None, other_end: None }
    }
}

/// Every parameter of `text`, by number; those that are not understood are at [`ParameterPlace::Unknown`].
///
/// # Errors
/// The text has no shape. [`count_parameters`] and [`substitute`] work all the same.
pub fn parameters(text: &str, catalog: &Catalog<'_>) -> Result<Vec<ParameterUse>, ShapeError> {
    let resolved = parse::on_large_stack(|| {
        let statement = parse::parse(text).map_err(ShapeError::NotParsed)?;
        resolve::resolve(&statement, catalog).map(|resolved| resolved.parameters)
    });
    let mut uses = resolved.unwrap_or_else(|reason| Err(ShapeError::NotParsed(reason)))?;
    for number in 1..=count_parameters(&super::repair::for_server(text)) {
        uses.entry(number).or_insert_with(|| ParameterUse::new(number, ParameterPlace::Unknown));
    }
    pair_ranges(&mut uses);
    Ok(uses.into_values().collect())
}

/// The highest `$n` of `text`, 0 when it has none. Looks into no literal and no comment.
pub fn count_parameters(text: &str) -> u32 {
    tokens(text).iter().filter_map(|token| token.parameter(text)).max().unwrap_or(0)
}

/// `text`, repaired by [`super::for_server`], with every `$n` that `values` has replaced by its value, which is SQL: a literal with a cast. A value that
/// would run together with the tokens around it is set apart by spaces.
pub fn substitute(text: &str, values: &BTreeMap<u32, String>) -> String {
    let mut substituted = String::with_capacity(text.len());
    for token in tokens(text) {
        match token.parameter(text).and_then(|number| values.get(&number)) {
            Some(value) => {
                if !substituted.ends_with([' ', '(', '\n', ',', '[']) {
                    substituted.push(' ');
                }
                substituted.push_str(value);
                if text[token.range.end..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                    substituted.push(' ');
                }
            }
            None => substituted.push_str(token.text(text)),
        }
    }
    substituted
}

/// The number of the `$n` that stands at the byte `position` (from 0), or of the nearest one; `None` without any. For
/// errors of the server, which say where they stumbled.
pub fn parameter_at(text: &str, position: usize) -> Option<u32> {
    let distance = |range: &std::ops::Range<usize>| {
        if range.contains(&position) { 0 } else { range.start.abs_diff(position).min(range.end.abs_diff(position)) }
    };
    tokens(text)
        .iter()
        .filter(|token| token.kind == TokenKind::Parameter)
        .min_by_key(|token| distance(&token.range))
        .and_then(|token| token.parameter(text))
}

/// The parameters in a resolved expression, by what they are compared with.
pub(super) fn parameters_of(expr: &Expr, relations: &[Oid]) -> Vec<ParameterUse> {
    let mut found = Vec::new();
    expr.any(&mut |part| {
        match part {
            Expr::Binary { op, left, right } => compared(op, left, right, relations, &mut found),
            Expr::In { expr, list, .. } => {
                list.iter().for_each(|item| note_compared(item, expr, Comparison::In, false, relations, &mut found));
            }
            Expr::Any { expr, array, .. } => match &**array {
                Expr::Array(items) => items
                    .iter()
                    .for_each(|item| note_compared(item, expr, Comparison::In, false, relations, &mut found)),
                array => {
                    note_compared(array, expr, Comparison::In, true, relations, &mut found);
                    let element = Comparison::Operator("= ANY".to_owned());
                    note_compared(expr, array, element, false, relations, &mut found);
                }
            },
            Expr::Distinct { left, right, .. } => compared("=", left, right, relations, &mut found),
            Expr::Function(call) => {
                for (position, argument) in call.args.iter().enumerate() {
                    let function = call.base_name().to_owned();
                    let is_field = position == 0 && matches!(function.as_str(), "extract" | "date_part" | "date_trunc");
                    let place = if is_field {
                        ParameterPlace::DateField
                    } else {
                        ParameterPlace::Argument { function, position }
                    };
                    found.extend(parameter(argument, place));
                }
            }
            Expr::Cast { .. } | Expr::Parameter(_) => found.extend(parameter(part, ParameterPlace::Unknown)),
            _ => {}
        }
        false
    });
    // The most telling place first: what is noted first stays.
    found.sort_by_key(|parameter| match parameter.place {
        ParameterPlace::Compared { .. } => 0,
        ParameterPlace::Unknown => 2,
        _ => 1,
    });
    found
}

fn compared(op: &str, left: &Expr, right: &Expr, relations: &[Oid], found: &mut Vec<ParameterUse>) {
    if ARITHMETIC.contains(&op) {
        return;
    }
    if let (Expr::Row(lefts), Expr::Row(rights)) = (left, right) {
        return lefts.iter().zip(rights).for_each(|(left, right)| compared(op, left, right, relations, found));
    }
    note_compared(right, left, comparison(op, right), false, relations, found);
    if let Some(op) = print::commuted(op) {
        note_compared(left, right, comparison(op, left), false, relations, found);
    }
}

/// Notes `operand`, if it is a parameter or a simple function of one, as compared with `with`.
fn note_compared(
    operand: &Expr,
    with: &Expr,
    comparison: Comparison,
    is_array: bool,
    relations: &[Oid],
    found: &mut Vec<ParameterUse>,
) {
    if let (Expr::Row(operands), Expr::Row(withs)) = (operand, with) {
        return operands
            .iter()
            .zip(withs)
            .for_each(|(operand, with)| note_compared(operand, with, comparison.clone(), is_array, relations, found));
    }
    let scans = scans_of(with);
    let relation = scans.first().filter(|_| scans.len() == 1).and_then(|scan| relations.get(*scan));
    let Some(relation) = relation else { return };
    let target = match strip_cast(with) {
        Expr::ScanColumn { column, .. } => IndexTarget::Column(column.clone()),
        with => IndexTarget::Expression(print::sql(with)),
    };
    let place = ParameterPlace::Compared { relation: *relation, target, comparison, is_array };
    found.extend(parameter(strip_call(operand), place));
}

fn strip_cast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr: inner, .. } if matches!(**inner, Expr::ScanColumn { .. }) => inner,
        expr => expr,
    }
}

/// `lower($1)`, `$1 || '%'` → `$1`
fn strip_call(expr: &Expr) -> &Expr {
    match expr {
        Expr::Function(call) if matches!(call.base_name(), "lower" | "upper" | "btrim" | "like_escape") => {
            call.args.first().map_or(expr, strip_call)
        }
        Expr::Binary { op, left, right } if op == "||" => match (strip_call(left), strip_call(right)) {
            (Expr::Literal(_), inner) => inner,
            (inner, _) => inner,
        },
        expr => expr,
    }
}

fn parameter(expr: &Expr, place: ParameterPlace) -> Option<ParameterUse> {
    match expr {
        Expr::Parameter(number) => Some(ParameterUse::new(*number, place)),
        Expr::Cast { expr, type_name } => {
            let is_interval = type_name.starts_with("interval") && place == ParameterPlace::Unknown;
            let place = if is_interval { ParameterPlace::Interval } else { place };
            parameter(expr, place).map(|inner| ParameterUse { cast: Some(type_name.clone()), ..inner })
        }
        _ => None,
    }
}

/// Operators that compare nothing.
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "^", "||", "->", "->>", "#>", "#>>", "AT TIME ZONE", "#-"];

/// Finds the lower and upper ends of the same range.
fn pair_ranges(uses: &mut BTreeMap<u32, ParameterUse>) {
    let ends = |is_low: bool| -> Vec<(u32, Oid, IndexTarget)> {
        let is_end = |comparison: &Comparison| match comparison {
            Comparison::Greater | Comparison::GreaterOrEqual => is_low,
            Comparison::Less | Comparison::LessOrEqual => !is_low,
            _ => false,
        };
        uses.values()
            .filter_map(|parameter| match &parameter.place {
                ParameterPlace::Compared { relation, target, comparison, .. } if is_end(comparison) => {
                    Some((parameter.number, *relation, target.clone()))
                }
                _ => None,
            })
            .collect()
    };
    let mut highs = ends(false);
    for (low, relation, target) in ends(true) {
        let nearest = highs
            .iter()
            .enumerate()
            .filter(|(_, high)| high.1 == relation && high.2 == target)
            .min_by_key(|(_, high)| high.0.abs_diff(low))
            .map(|(position, _)| position);
        let Some(position) = nearest else { continue };
        let (high, ..) = highs.remove(position);
        if let Some(parameter) = uses.get_mut(&low) {
            parameter.other_end = Some(high);
        }
        if let Some(parameter) = uses.get_mut(&high) {
            parameter.other_end = Some(low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_parameters_stand_and_nowhere_else() {
        let values: BTreeMap<u32, String> = [(1, "'a'::text".to_owned()), (12, "5".to_owned())].into();
        for (text, expected) in [
            ("select $1, '$1', \"$1\", $2 -- $1", "select 'a'::text, '$1', \"$1\", $2 -- $1"),
            ("select $x$ $1 $x$ where a=$1and b in ($12)", "select $x$ $1 $x$ where a= 'a'::text and b in (5)"),
            ("select a$1, $123 /* $1 */", "select a$1, $123 /* $1 */"),
        ] {
            assert_eq!(substitute(text, &values), expected);
        }
        assert_eq!(count_parameters("select $1, '$9', $3 /* $7 */"), 3);
        assert_eq!(count_parameters("select 1"), 0);
    }

    #[test]
    fn the_nearest_parameter_is_found() {
        let text = "select $1 + '$2' where abc = $3";
        assert_eq!(parameter_at(text, 7), Some(1));
        assert_eq!(parameter_at(text, 8), Some(1));
        assert_eq!(parameter_at(text, text.len() - 4), Some(3));
        assert_eq!(parameter_at("select 1", 3), None);
        assert_eq!(parameter_at(text, 10_000), Some(3));
    }
}
