//! Conditions as EXPLAIN prints them → clauses on one relation: what is compared, how, and with which constants. Knows
//! no statistics.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use regex::Regex;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, visit_expressions};

use crate::pg::IndexTarget;
use crate::plan::conjuncts;
use crate::snapshot::Relation;
use crate::sql;
use crate::whatif::selectivity;

/// Elements of an array that is not known when a statement is planned (`estimate_array_length`, `selfuncs.c`).
const UNKNOWN_ARRAY_LENGTH: f64 = 10.0;

/// The output of a subquery that runs once, as PostgreSQL 17 and later print it; before that it is `$0`.
static INIT_PLAN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\((?:\w+ )?InitPlan \d+\)(?:\.col\d+)?").ok());

/// One condition on a relation.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    /// What is compared, when an index could be on it.
    pub subject: Option<IndexTarget>,
    /// How.
    pub test: Test,
    /// The constants that it is compared with, in their type's text form; empty when they are not known.
    pub constants: Vec<String>,
    /// The aliases of other relations in it: their rows are known before this relation is read.
    pub others: BTreeSet<String>,
    /// The condition in one spelling, without qualifiers.
    pub canonical: String,
    /// Operators and functions that are evaluated for a row.
    pub n_operators: f64,
    /// The fraction of rows that it keeps; 1 until statistics were asked.
    pub selectivity: f64,
}

/// How a clause compares, with its subject on the left.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Equal,
    /// With each of so many values.
    AnyOf(f64),
    Less,
    Greater,
    /// `LIKE` with fixed text at the start.
    Prefix,
    IsNull,
    IsNotNull,
    /// Arms, one of which must hold.
    Or(Vec<Vec<Clause>>),
    /// Nothing that a btree answers.
    Other,
}

impl Clause {
    /// Whether it holds for no row in which its subject is NULL.
    pub fn is_strict(&self) -> bool {
        matches!(self.test, Test::Equal | Test::AnyOf(_) | Test::Less | Test::Greater | Test::Prefix | Test::IsNotNull)
    }

    pub fn is_range(&self) -> bool {
        matches!(self.test, Test::Less | Test::Greater)
    }

    /// Whether it leaves one value of its subject.
    pub fn is_equality(&self) -> bool {
        matches!(self.test, Test::Equal)
    }
}

/// The clauses on the relation that is known as `alias`, of a condition that may be about several.
pub(super) fn clauses(condition: &str, alias: &str, relation: &Relation) -> Vec<Clause> {
    conjuncts(condition).iter().map(|part| Reader { alias, relation }.clause(part)).collect()
}

struct Reader<'r> {
    alias: &'r str,
    relation: &'r Relation,
}

impl Reader<'_> {
    fn clause(&self, text: &str) -> Clause {
        let text = match INIT_PLAN.as_ref() {
            Some(init_plan) => init_plan.replace_all(text, "$$0"),
            None => text.into(),
        };
        let mut clause = Clause {
            subject: None,
            test: Test::Other,
            constants: Vec::new(),
            others: BTreeSet::new(),
            canonical: sql::canonical(&text),
            n_operators: 1.0,
            selectivity: 1.0,
        };
        if text.contains("SubPlan") {
            return clause;
        }
        if let Some(expression) = selectivity::parse(&text) {
            clause.others = self.mentioned(&expression).into_iter().filter(|name| name != self.alias).collect();
            clause.n_operators = n_operators(&expression);
            self.read(&expression, &mut clause);
        }
        clause
    }

    fn read(&self, expression: &Expr, clause: &mut Clause) {
        match expression {
            Expr::Nested(inner) => self.read(inner, clause),
            Expr::BinaryOp { op: BinaryOperator::Or, .. } => self.read_or(expression, clause),
            Expr::BinaryOp { left, op, right } => self.read_comparison(left, op, right, clause),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                let (n_values, constants) = array(right);
                if self.mentioned(right).is_empty() && self.set(clause, left, Test::AnyOf(n_values)) {
                    clause.constants = constants;
                    clause.n_operators = n_values / 2.0;
                }
            }
            Expr::IsNull(inner) => drop(self.set(clause, inner, Test::IsNull)),
            Expr::IsNotNull(inner) => drop(self.set(clause, inner, Test::IsNotNull)),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } if is_column(expr) => self.read_boolean(expr, "f", clause),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.read_boolean(expression, "t", clause),
            _ => {}
        }
    }

    fn read_boolean(&self, column: &Expr, value: &str, clause: &mut Clause) {
        if self.set(clause, column, Test::Equal) {
            clause.constants = vec![value.to_owned()];
            clause.n_operators = 0.0;
        }
    }

    fn read_comparison(&self, left: &Expr, op: &BinaryOperator, right: &Expr, clause: &mut Clause) {
        let is_own = |side: &Expr| self.mentioned(side).iter().eq([self.alias]);
        let is_free = |side: &Expr| !self.mentioned(side).contains(self.alias);
        let (subject, op, value) = if is_own(left) && is_free(right) {
            (left, op.clone(), right)
        } else if is_own(right) && is_free(left) {
            (right, commuted(op), left)
        } else {
            return;
        };
        // `(a, b) < (x, y)` implies `a <= x`, which is what an index is searched by.
        let (subject, value) = (first_of_row(subject), first_of_row(value));
        let constant = selectivity::literal(value);
        let test = match op {
            BinaryOperator::Eq => Test::Equal,
            BinaryOperator::Lt | BinaryOperator::LtEq => Test::Less,
            BinaryOperator::Gt | BinaryOperator::GtEq => Test::Greater,
            BinaryOperator::PGLikeMatch if constant.as_deref().is_some_and(has_fixed_start) => Test::Prefix,
            _ => return,
        };
        if self.set(clause, subject, test) {
            clause.constants = constant.into_iter().collect();
        }
    }

    fn read_or(&self, expression: &Expr, clause: &mut Clause) {
        let mut arms = Vec::new();
        add_arms(expression, &mut arms);
        let arms = arms.iter().map(|arm| clauses(&arm.to_string(), self.alias, self.relation)).collect();
        clause.test = Test::Or(arms);
    }

    /// Notes what is compared; `false` when no index can be on it.
    fn set(&self, clause: &mut Clause, subject: &Expr, test: Test) -> bool {
        clause.subject = self.target(subject);
        if clause.subject.is_some() {
            clause.test = test;
        }
        clause.subject.is_some()
    }

    fn target(&self, expression: &Expr) -> Option<IndexTarget> {
        if !self.mentioned(expression).iter().eq([self.alias]) {
            return None;
        }
        match expression {
            Expr::Nested(inner) => self.target(inner),
            Expr::Cast { expr, data_type, .. } if data_type.to_string().eq_ignore_ascii_case("text") => {
                match self.target(expr)? {
                    // The same bytes: an index on the column serves.
                    IndexTarget::Column(name) if self.is_varchar(&name) => Some(IndexTarget::Column(name)),
                    _ => Some(IndexTarget::Expression(sql::canonical(&expression.to_string()))),
                }
            }
            Expr::Identifier(name) => Some(IndexTarget::Column(folded(name))),
            Expr::CompoundIdentifier(path) => Some(IndexTarget::Column(folded(path.last()?))),
            _ => Some(IndexTarget::Expression(sql::canonical(&expression.to_string()))),
        }
    }

    fn is_varchar(&self, column: &str) -> bool {
        self.relation.column(column).is_some_and(|column| column.base_type.name == "varchar")
    }

    fn mentioned(&self, expression: &Expr) -> BTreeSet<String> {
        mentioned(expression, self.alias)
    }
}

/// The aliases that an expression speaks of; empty when it cannot be read.
pub(super) fn aliases(expression: &str) -> BTreeSet<String> {
    selectivity::parse(expression).map(|expression| mentioned(&expression, "")).unwrap_or_default()
}

/// The aliases in an expression; a name without one is taken to be of `own`.
fn mentioned(expression: &Expr, own: &str) -> BTreeSet<String> {
    let mut aliases = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(expression, |part| {
        match part {
            Expr::CompoundIdentifier(path) if path.len() > 1 => drop(aliases.insert(folded(&path[0]))),
            Expr::Identifier(_) => drop(aliases.insert(own.to_owned())),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    aliases
}

fn folded(name: &sqlparser::ast::Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

fn is_column(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_column(inner),
        expression => matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_)),
    }
}

fn add_arms<'e>(expression: &'e Expr, arms: &mut Vec<&'e Expr>) {
    match expression {
        Expr::Nested(inner) => add_arms(inner, arms),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
            add_arms(left, arms);
            add_arms(right, arms);
        }
        arm => arms.push(arm),
    }
}

fn commuted(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::Gt,
        BinaryOperator::LtEq => BinaryOperator::GtEq,
        BinaryOperator::Gt => BinaryOperator::Lt,
        BinaryOperator::GtEq => BinaryOperator::LtEq,
        BinaryOperator::Eq => BinaryOperator::Eq,
        _ => BinaryOperator::Custom(String::new()),
    }
}

fn first_of_row(expression: &Expr) -> &Expr {
    use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    match expression {
        Expr::Tuple(parts) => parts.first().unwrap_or(expression),
        Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("row") => match &call.args {
            FunctionArguments::List(list) => match list.args.first() {
                Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) => first,
                _ => expression,
            },
            _ => expression,
        },
        _ => expression,
    }
}

/// Whether a LIKE pattern starts with text that is no wildcard.
fn has_fixed_start(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern.starts_with(['%', '_'])
}

/// The number of elements of the right side of `= ANY`, and the constants among them.
fn array(expression: &Expr) -> (f64, Vec<String>) {
    match expression {
        Expr::Nested(inner) => array(inner),
        Expr::Cast { expr, .. } => array(expr),
        Expr::Array(array) => {
            let constants: Option<Vec<String>> = array.elem.iter().map(selectivity::literal).collect();
            (array.elem.len().max(1) as f64, constants.unwrap_or_default())
        }
        expression => match selectivity::literal(expression) {
            Some(text) => {
                let inner = text.trim_start_matches('{').trim_end_matches('}');
                let values: Vec<String> = inner.split(',').map(|value| value.trim_matches('"').to_owned()).collect();
                (values.len() as f64, values)
            }
            None => (UNKNOWN_ARRAY_LENGTH, Vec::new()),
        },
    }
}

/// How many operators and functions an expression evaluates (`cost_qual_eval_walker`, `costsize.c`): AND, OR, tests for
/// NULL and changes of type that change no byte cost nothing.
fn n_operators(expression: &Expr) -> f64 {
    let mut n = 0.0;
    let _: ControlFlow<()> = visit_expressions(expression, |part| {
        match part {
            Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => {}
            Expr::BinaryOp { .. } | Expr::Function(_) => n += 1.0,
            Expr::AnyOp { right, .. } => n += array(right).0 / 2.0,
            _ => {}
        }
        ControlFlow::Continue(())
    });
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> Relation {
        serde_json::from_value(serde_json::json!({
            "oid": 1, "name": crate::pg::RelationName::new("public", "orders"), "kind": "table",
            "persistence": "permanent", "owner": "o", "extension": null, "is_partition": false, "parent": null,
            "partition_key": null, "has_row_security": false, "can_select": true, "options": [], "n_pages": 100,
            "n_rows": 1000.0, "n_all_visible_pages": 0, "indexes": [], "constraints": [], "extended_statistics": [],
            "activity": null, "view_definition": null, "columns": []
        }))
        .unwrap()
    }

    fn read(condition: &str) -> Vec<String> {
        let show = |clause: &Clause| {
            let subject = clause.subject.as_ref().map(ToString::to_string).unwrap_or_default();
            let test = format!("{:?}", clause.test);
            let test = test.split('(').next().unwrap_or_default();
            format!(
                "{subject} {test} {} {}",
                clause.constants.join(","),
                clause.others.iter().cloned().collect::<String>()
            )
        };
        clauses(condition, "o", &relation()).iter().map(show).collect()
    }

    #[test]
    fn conditions_as_the_server_prints_them() {
        for (condition, expected) in [
            ("(o.customer_id = 42)", "customer_id Equal 42 "),
            ("(42 > o.customer_id)", "customer_id Less 42 "),
            ("(o.customer_id = c.id)", "customer_id Equal  c"),
            ("(o.customer_id = ANY ('{1,2,3}'::integer[]))", "customer_id AnyOf 1,2,3 "),
            ("(o.shipped_at IS NULL)", "shipped_at IsNull  "),
            ("(NOT o.is_open)", "is_open Equal f "),
            ("o.is_open", "is_open Equal t "),
            ("(o.note ~~ 'abc%'::text)", "note Prefix abc% "),
            ("(o.note ~~ '%abc'::text)", " Other  "),
            ("(lower(o.note) = 'x'::text)", "(lower(note)) Equal x "),
            ("(ROW(o.created_at, o.id) < ROW('2024-01-01'::date, 5))", "created_at Less 2024-01-01 "),
            ("(o.id = $0)", "id Equal  "),
            ("(o.id = (InitPlan 1).col1)", "id Equal  "),
            ("((o.a = 1) OR (o.b = 2))", " Or  "),
            ("(ANY (o.id = (hashed SubPlan 1).col1))", " Other  "),
            ("(o.a = o.b)", " Other  "),
        ] {
            assert_eq!(read(condition), [expected], "{condition}");
        }
    }

    #[test]
    fn conjuncts_are_clauses_of_their_own() {
        assert_eq!(read("((o.a >= 1) AND (o.a < 5) AND (o.b = c.b))"), ["a Greater 1 ", "a Less 5 ", "b Equal  c"]);
    }
}
