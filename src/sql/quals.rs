//! One resolved condition on one scan → quals, OR groups, row comparisons. Conditions between scans are not its business.

use super::logic::{conjuncts, scans_of};
use super::print::{self, commuted, is_constant};
use super::shape::{Comparand, Comparison, OrArm, Qual, RowComparison};
use super::target::{Known, index_target};
use super::tree::{Expr, Test};
use crate::pg::IndexTarget;

/// `$1 = ANY (column)`, which is no operator of any operator class.
pub(super) const ELEMENT_OF: &str = "= ANY";

/// What a condition says.
#[derive(Debug)]
pub(super) enum Part {
    /// A qual.
    Qual(Qual),
    /// A disjunction.
    Or(Vec<OrArm>),
    /// A row comparison.
    Row(RowComparison),
    /// A condition that an index could answer if it were written differently.
    Unindexable(Qual),
    /// A condition that no index answers.
    Other,
}

/// Reads conditions on one scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'c> {
    /// The scan.
    pub scan: usize,
    /// What is known of its columns, and of functions.
    pub known: Known<'c>,
}

impl Reader<'_> {
    /// What one conjunct says.
    pub fn parts(&self, condition: &Expr) -> Vec<Part> {
        match condition {
            Expr::And(_) | Expr::Not(_) if !matches!(condition, Expr::Not(inner) if self.is_boolean(inner)) => {
                let parts = conjuncts(condition.clone());
                if parts.len() == 1 && parts[0] == *condition {
                    return vec![Part::Other];
                }
                parts.iter().flat_map(|part| self.parts(part)).collect()
            }
            Expr::Or(arms) => self.disjunction(arms),
            Expr::Binary { op, left, right } => self.binary(op, left, right),
            Expr::In { expr, list, is_negated } => self.in_list(expr, list, *is_negated),
            Expr::Any { expr, op, is_all, array } => vec![self.quantified(expr, op, *is_all, array)],
            Expr::Is { expr, test, is_negated } => vec![self.test(expr, *test, *is_negated)],
            Expr::Distinct { left, right, is_negated: false } => vec![self.compare(left, Comparison::NotEqual, right)],
            Expr::Not(expr) => vec![self.qual(expr, Comparison::IsFalse, Comparand::None)],
            Expr::ScanColumn { .. } | Expr::Function(_) | Expr::Cast { .. } => {
                vec![self.qual(condition, Comparison::IsTrue, Comparand::None)]
            }
            _ => vec![Part::Other],
        }
    }

    fn mentions(&self, expr: &Expr) -> bool {
        scans_of(expr).contains(&self.scan)
    }

    /// Whether it is a boolean by itself: a column or a call.
    fn is_boolean(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::ScanColumn { .. } | Expr::Function(_) | Expr::Cast { .. })
    }

    fn target(&self, expr: &Expr) -> Option<IndexTarget> {
        index_target(expr, self.known)
    }

    fn qual(&self, target: &Expr, comparison: Comparison, comparand: Comparand) -> Part {
        match self.target(target) {
            Some(target) => Part::Qual(Qual { target, comparison, comparand }),
            None if comparand == Comparand::None || comparison == Comparison::NotEqual => Part::Other,
            None => {
                Part::Unindexable(Qual { target: IndexTarget::Expression(print::sql(target)), comparison, comparand })
            }
        }
    }

    fn binary(&self, op: &str, left: &Expr, right: &Expr) -> Vec<Part> {
        if let (Expr::Row(lefts), Expr::Row(rights)) = (left, right) {
            return vec![self.row(op, lefts, rights)];
        }
        match (self.mentions(left), self.mentions(right)) {
            (true, false) => vec![self.compare(left, comparison(op, right), right)],
            (false, true) => match commuted(op) {
                Some(op) => vec![self.compare(right, comparison(op, left), left)],
                None => vec![Part::Other],
            },
            _ => vec![Part::Other],
        }
    }

    fn compare(&self, target: &Expr, comparison: Comparison, comparand: &Expr) -> Part {
        if !self.mentions(target) || self.mentions(comparand) {
            return Part::Other;
        }
        let is_boolean = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        match comparand {
            // Comparing with NULL is never true.
            Expr::Literal(literal) if literal == "NULL" => Part::Other,
            Expr::Literal(literal) if is_boolean && (literal == "true" || literal == "false") => {
                let is_true = (literal == "true") == (comparison == Comparison::Equal);
                self.qual(target, if is_true { Comparison::IsTrue } else { Comparison::IsFalse }, Comparand::None)
            }
            _ if comparison == Comparison::Equal && is_row_source(comparand) => {
                self.qual(target, Comparison::In, Comparand::Stable(print::sql(comparand)))
            }
            _ => self.qual(target, comparison, self::comparand(comparand)),
        }
    }

    fn row(&self, op: &str, lefts: &[Expr], rights: &[Expr]) -> Part {
        let is_left = lefts.iter().all(|expr| self.mentions(expr)) && !rights.iter().any(|expr| self.mentions(expr));
        let is_right = rights.iter().all(|expr| self.mentions(expr)) && !lefts.iter().any(|expr| self.mentions(expr));
        let (targets, op) = match (is_left, is_right, commuted(op)) {
            (true, false, _) => (lefts, op),
            (false, true, Some(op)) => (rights, op),
            _ => return Part::Other,
        };
        let targets: Option<Vec<IndexTarget>> = targets.iter().map(|expr| self.target(expr)).collect();
        match (targets, comparison(op, &Expr::Row(Vec::new()))) {
            (Some(targets), comparison) if comparison.is_range() => Part::Row(RowComparison { targets, comparison }),
            _ => Part::Other,
        }
    }

    fn in_list(&self, expr: &Expr, list: &[Expr], is_negated: bool) -> Vec<Part> {
        if list.iter().any(|item| self.mentions(item)) {
            // `$1 IN (a, b)` is `a = $1 OR b = $1`.
            let arms: Vec<Expr> = list.iter().map(|item| Expr::binary("=", item.clone(), expr.clone())).collect();
            return if is_negated || self.mentions(expr) { vec![Part::Other] } else { self.disjunction(&arms) };
        }
        let n_items = u32::try_from(list.len()).unwrap_or(u32::MAX);
        if is_negated {
            return vec![self.qual(expr, Comparison::NotEqual, Comparand::List(n_items))];
        }
        if let [item] = list {
            return conjuncts(Expr::binary("=", expr.clone(), item.clone()))
                .iter()
                .flat_map(|part| self.parts(part))
                .collect();
        }
        match expr {
            // Each column is one of the values that the rows of the list have in its place.
            Expr::Row(columns) => {
                columns.iter().map(|column| self.qual(column, Comparison::In, Comparand::List(n_items))).collect()
            }
            expr => vec![self.qual(expr, Comparison::In, Comparand::List(n_items))],
        }
    }

    fn quantified(&self, expr: &Expr, op: &str, is_all: bool, array: &Expr) -> Part {
        if let (Expr::ScanColumn { column, .. }, "=", false, false) = (array, op, is_all, self.mentions(expr)) {
            let target = IndexTarget::Column(column.clone());
            let comparison = Comparison::Operator(ELEMENT_OF.to_owned());
            return Part::Unindexable(Qual { target, comparison, comparand: self::comparand(expr) });
        }
        if !self.mentions(expr) || self.mentions(array) {
            return Part::Other;
        }
        match (op, is_all) {
            ("=", false) => {
                let comparand = match array {
                    Expr::Array(parts) => Comparand::List(u32::try_from(parts.len()).unwrap_or(u32::MAX)),
                    Expr::Cast { expr, .. } if matches!(**expr, Expr::Array(_)) => match &**expr {
                        Expr::Array(parts) => Comparand::List(u32::try_from(parts.len()).unwrap_or(u32::MAX)),
                        _ => self::comparand(array),
                    },
                    array => self::comparand(array),
                };
                self.qual(expr, Comparison::In, comparand)
            }
            ("<>", true) => self.qual(expr, Comparison::NotEqual, self::comparand(array)),
            ("~~" | "~~*" | "~" | "~*", false) => self.qual(expr, Comparison::Pattern, self::comparand(array)),
            _ => Part::Other,
        }
    }

    fn test(&self, expr: &Expr, test: Test, is_negated: bool) -> Part {
        if matches!(expr, Expr::Row(_)) || !self.mentions(expr) {
            return Part::Other;
        }
        let literal = |value: &str| Comparand::Literal(value.to_owned());
        match (test, is_negated) {
            (Test::Null | Test::Unknown, false) => self.qual(expr, Comparison::IsNull, Comparand::None),
            (Test::Null | Test::Unknown, true) => self.qual(expr, Comparison::IsNotNull, Comparand::None),
            (Test::True, false) => self.qual(expr, Comparison::Equal, literal("true")),
            (Test::False, false) => self.qual(expr, Comparison::Equal, literal("false")),
            (Test::True, true) => self.qual(expr, Comparison::NotEqual, literal("true")),
            (Test::False, true) => self.qual(expr, Comparison::NotEqual, literal("false")),
        }
    }

    /// OR. An arm without columns (`$1 IS NULL OR a = $1`) is folded away once its parameter is known.
    fn disjunction(&self, arms: &[Expr]) -> Vec<Part> {
        let with_columns: Vec<&Expr> = arms.iter().filter(|arm| self.mentions(arm)).collect();
        let are_others_foldable = arms.iter().filter(|arm| !self.mentions(arm)).all(is_foldable);
        if !are_others_foldable {
            return vec![Part::Other];
        }
        if let [arm] = with_columns.as_slice() {
            return conjuncts((*arm).clone()).iter().flat_map(|part| self.parts(part)).collect();
        }
        let mut groups: Vec<OrArm> = Vec::with_capacity(with_columns.len());
        for arm in with_columns {
            match self.arm(arm) {
                Some(arm) => groups.push(arm),
                None => return vec![Part::Other],
            }
        }
        vec![as_one_list(&groups).unwrap_or(Part::Or(groups))]
    }

    /// The quals of one arm; what else it asks for is left out, `None` when nothing is left.
    fn arm(&self, arm: &Expr) -> Option<OrArm> {
        let mut quals = OrArm::new();
        for conjunct in conjuncts(arm.clone()) {
            for part in self.parts(&conjunct) {
                match part {
                    Part::Qual(qual) => quals.push(qual),
                    Part::Row(row) => quals.extend(leading_range(&row)),
                    Part::Or(_) | Part::Unindexable(_) | Part::Other => {}
                }
            }
        }
        (!quals.is_empty()).then_some(quals)
    }
}

/// `(a, b) < (x, y)` implies `a <= x`.
fn leading_range(row: &RowComparison) -> Option<Qual> {
    let comparison = match &row.comparison {
        Comparison::Less => Comparison::LessOrEqual,
        Comparison::Greater => Comparison::GreaterOrEqual,
        same => same.clone(),
    };
    let target = row.targets.first()?.clone();
    Some(Qual { target, comparison, comparand: Comparand::Stable("ROW(...)".to_owned()) })
}

/// `a = 1 OR a = 2 OR a IN (3, 4)` is `a IN (1, 2, 3, 4)`.
fn as_one_list(arms: &[OrArm]) -> Option<Part> {
    let first = arms.first()?.first()?;
    let mut n_items = 0_u32;
    for arm in arms {
        let [qual] = arm.as_slice() else { return None };
        n_items += match (&qual.comparison, &qual.comparand) {
            _ if qual.target != first.target => return None,
            (Comparison::Equal, _) => 1,
            (Comparison::In, Comparand::List(n)) => *n,
            _ => return None,
        };
    }
    let target = first.target.clone();
    Some(Part::Qual(Qual { target, comparison: Comparison::In, comparand: Comparand::List(n_items) }))
}

/// Whether the planner folds it once parameters are known: no columns, no outputs of other row sources.
fn is_foldable(expr: &Expr) -> bool {
    !expr.any(&mut |part| {
        matches!(part, Expr::ScanColumn { .. } | Expr::Opaque(_) | Expr::Behind(_) | Expr::Subquery { .. })
    })
}

/// Whether it is the output of something in FROM that is no scan.
fn is_row_source(expr: &Expr) -> bool {
    expr.any(&mut |part| matches!(part, Expr::Opaque(_) | Expr::Behind(_)))
}

/// The other side of a comparison.
pub(super) fn comparand(expr: &Expr) -> Comparand {
    match expr {
        Expr::Parameter(number) => Comparand::Parameter(*number),
        Expr::Literal(literal) => Comparand::Literal(literal.clone()),
        Expr::Cast { expr: inner, type_name } => match &**inner {
            Expr::Literal(literal) if matches!(type_name.as_str(), "text" | "character varying") => {
                Comparand::Literal(literal.clone())
            }
            Expr::Literal(_) => Comparand::Literal(print::sql(expr)),
            inner if is_constant(inner) => comparand(inner),
            _ => Comparand::Stable(print::sql(expr)),
        },
        expr => Comparand::Stable(print::sql(expr)),
    }
}

/// The comparison that an operator is.
pub(super) fn comparison(op: &str, right: &Expr) -> Comparison {
    match op {
        "=" => Comparison::Equal,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        "<>" | "!~~" | "!~~*" | "!~" | "!~*" | "NOT SIMILAR TO" => Comparison::NotEqual,
        "~~" if starts_with_wildcard(right) => Comparison::Pattern,
        "~~" => Comparison::LikePrefix,
        "~~*" | "~" | "~*" | "SIMILAR TO" => Comparison::Pattern,
        op => Comparison::Operator(op.to_owned()),
    }
}

fn starts_with_wildcard(pattern: &Expr) -> bool {
    match pattern {
        Expr::Literal(literal) => literal.trim_start_matches(['E', '\'']).starts_with(['%', '_']),
        Expr::Cast { expr, .. } | Expr::Collate { expr, .. } => starts_with_wildcard(expr),
        Expr::Binary { op, left, .. } if op == "||" => starts_with_wildcard(left),
        Expr::Function(call) if matches!(call.base_name(), "concat" | "like_escape" | "lower" | "upper") => {
            call.args.first().is_some_and(starts_with_wildcard)
        }
        _ => false,
    }
}
