//! The tree as SQL again: expressions, with parentheses around every operand that is no atom. One spelling for each
//! meaning, valid as an index expression; or masked, with every constant as `$0`, for fingerprints.

mod call;
mod query;

pub(super) use call::is_bare_call;

use super::tree::{Expr, Test};
use crate::pg::quote_identifier;

/// What stands for every constant and parameter where these do not matter: no statement has a parameter of that
/// number, and yet it parses.
pub(super) const MASK: &str = "$0";

/// `expr` as SQL, columns without qualifiers once they are resolved.
pub(super) fn sql(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr);
    printer.out
}

/// A qualified name as SQL.
pub(super) fn path(path: &[String]) -> String {
    let parts: Vec<_> = path.iter().map(|part| quote_identifier(part)).collect();
    parts.join(".")
}

/// Writes SQL.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// What has been written.
    pub out: String,
    /// Whether constants and parameters become `$0` and what only differs in spelling becomes one.
    pub is_masked: bool,
    /// Whether qualifiers are left out: the statement has one FROM item.
    pub omits_qualifiers: bool,
    /// For each block from the outermost, what its FROM items are called and how that is written.
    pub scopes: Vec<Vec<(String, String)>>,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// What `write` writes, apart from what has been written.
    fn apart(&mut self, write: impl FnOnce(&mut Self)) -> String {
        let before = std::mem::take(&mut self.out);
        write(self);
        std::mem::replace(&mut self.out, before)
    }

    fn list<'e>(&mut self, separator: &str, exprs: impl IntoIterator<Item = &'e Expr>) {
        for (n, expr) in exprs.into_iter().enumerate() {
            if n > 0 {
                self.push(separator);
            }
            self.expr(expr);
        }
    }

    /// An operand: in parentheses unless it is an atom.
    fn operand(&mut self, expr: &Expr) {
        if self.is_atom(expr) {
            self.expr(expr);
        } else {
            self.push("(");
            self.expr(expr);
            self.push(")");
        }
    }

    fn is_atom(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Literal(text) => self.is_masked || !text.starts_with('-'),
            Expr::Cast { expr, .. } => match innermost(expr) {
                Expr::Literal(_) | Expr::Parameter(_) if self.is_masked => true,
                expr => self.is_atom(expr),
            },
            Expr::Function(call) => call.base_name() != "timezone" && call.over.is_none(),
            Expr::Column(_) | Expr::ScanColumn { .. } | Expr::Opaque(_) | Expr::Parameter(_) | Expr::Star(_) => true,
            Expr::Row(_) | Expr::Array(_) | Expr::Subscript { .. } | Expr::Subquery { .. } | Expr::Case { .. } => true,
            Expr::Exists { is_negated, .. } => !is_negated,
            Expr::Field { .. } => true,
            _ => false,
        }
    }

    /// Writes an expression.
    pub fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(path) => self.column(path),
            Expr::ScanColumn { column, .. } => self.push(&quote_identifier(column)),
            Expr::Opaque(name) => self.push(&quote_identifier(name)),
            Expr::Behind(arms) => self.list(" | ", arms),
            Expr::Star(path) if path.is_empty() => self.push("*"),
            Expr::Star(path) => {
                let path = self.qualifier(path);
                self.push(&path);
                self.push(".*");
            }
            Expr::Literal(_) | Expr::Parameter(_) if self.is_masked => self.push(MASK),
            Expr::Literal(text) => self.push(text),
            Expr::Parameter(number) => self.push(&format!("${number}")),
            Expr::And(parts) => self.operands(" AND ", parts),
            Expr::Or(parts) => self.disjunction(parts),
            Expr::Not(expr) => {
                self.push("NOT ");
                self.operand(expr);
            }
            Expr::Binary { op, left, right } => self.binary(op, left, right),
            Expr::Prefix { op, expr } => {
                self.push(op);
                if op.ends_with(|c: char| c.is_ascii_alphabetic()) || !self.is_atom(expr) {
                    self.push(" ");
                }
                self.operand(expr);
            }
            Expr::In { expr, list, is_negated } => self.in_list(expr, list, *is_negated),
            Expr::Any { expr, op, is_all, array } => self.quantified(expr, op, *is_all, array),
            Expr::Is { expr, test, is_negated } => {
                self.operand(expr);
                self.push(if *is_negated { " IS NOT " } else { " IS " });
                self.push(test.as_sql());
            }
            Expr::Distinct { left, right, is_negated } => {
                self.operand(left);
                self.push(if *is_negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.operand(right);
            }
            Expr::Cast { .. } => self.cast(expr),
            Expr::Collate { expr, collation } => {
                self.operand(expr);
                self.push(" COLLATE ");
                self.push(collation);
            }
            Expr::Function(call) => self.call(call),
            Expr::Case { operand, branches, otherwise } => self.case(operand, branches, otherwise),
            Expr::Row(parts) => self.bracketed("ROW(", parts, ")"),
            Expr::Array(parts) => self.bracketed("ARRAY[", parts, "]"),
            Expr::Subscript { expr, bounds, is_slice } => {
                self.operand(expr);
                self.push("[");
                self.list(if *is_slice { ":" } else { ", " }, bounds);
                self.push("]");
            }
            Expr::Field { expr, field } => {
                self.push("(");
                self.expr(expr);
                self.push(").");
                self.push(&quote_identifier(field));
            }
            Expr::Subquery { query, is_array } => {
                self.push(if *is_array { "ARRAY(" } else { "(" });
                self.query(query);
                self.push(")");
            }
            Expr::Exists { query, is_negated } => {
                self.push(if *is_negated { "NOT EXISTS (" } else { "EXISTS (" });
                self.query(query);
                self.push(")");
            }
            Expr::InQuery { expr, op, query, is_negated } => {
                self.operand(expr);
                match (op.as_str(), is_negated) {
                    ("=", false) => self.push(" IN ("),
                    (_, true) => self.push(" NOT IN ("),
                    (op, false) => self.push(&format!(" {op} ANY (")),
                }
                self.query(query);
                self.push(")");
            }
            Expr::GroupingSets(parts) => self.bracketed("GROUPING SETS (", parts, ")"),
        }
    }

    /// Casts, one after the other: chains of them are as long as the text.
    fn cast(&mut self, mut expr: &Expr) {
        let mut types = Vec::new();
        while let Expr::Cast { expr: inner, type_name } = expr {
            types.push(type_name);
            expr = inner;
        }
        self.operand(expr);
        if self.is_masked && is_constant(expr) {
            return;
        }
        for type_name in types.into_iter().rev() {
            self.push("::");
            self.push(type_name);
        }
    }

    fn bracketed(&mut self, open: &str, parts: &[Expr], close: &str) {
        self.push(open);
        self.list(", ", parts);
        self.push(close);
    }

    fn column(&mut self, path: &[String]) {
        let Some((name, qualifier)) = path.split_last() else { return };
        if !qualifier.is_empty() && !self.omits_qualifiers {
            let qualifier = self.qualifier(qualifier);
            self.push(&qualifier);
            self.push(".");
        }
        self.push(&quote_identifier(name));
    }

    fn qualifier(&self, path: &[String]) -> String {
        let name = path.last().map_or("", String::as_str);
        let known = self.scopes.iter().rev().flatten().find(|(alias, _)| alias == name);
        known.map_or_else(|| self::path(path), |(_, written)| written.clone())
    }

    fn operands(&mut self, separator: &str, parts: &[Expr]) {
        let mut written: Vec<String> = parts.iter().map(|part| self.apart(|printer| printer.operand(part))).collect();
        if self.is_masked {
            written.sort();
        }
        self.push(&written.join(separator));
    }

    /// OR. Masked, equalities of one operand with constants are what IN says, and repetitions say nothing.
    fn disjunction(&mut self, parts: &[Expr]) {
        if !self.is_masked {
            return self.operands(" OR ", parts);
        }
        let mut written: Vec<String> = parts.iter().map(|part| self.apart(|printer| printer.operand(part))).collect();
        written.sort();
        let n_of = |arm: &String| written.iter().filter(|other| *other == arm).count();
        let mut arms: Vec<String> = written
            .iter()
            .map(|arm| match arm.strip_suffix(" = $0)").map(|tested| format!("{tested} IN ($0))")) {
                Some(list) if n_of(arm) > 1 || written.contains(&list) => list,
                _ => arm.clone(),
            })
            .collect();
        arms.sort();
        arms.dedup();
        match arms.as_slice() {
            [one] => self.push(one.strip_prefix('(').and_then(|one| one.strip_suffix(')')).unwrap_or(one)),
            arms => self.push(&arms.join(" OR ")),
        }
    }

    fn binary(&mut self, op: &str, left: &Expr, right: &Expr) {
        let left = self.apart(|printer| printer.operand(left));
        let right = self.apart(|printer| printer.operand(right));
        let (left, op, right) = match commuted(op) {
            Some(commuted) if self.is_masked && is_after(&left, &right) => (right, commuted, left),
            _ => (left, op, right),
        };
        let op = match op {
            "~~" => "LIKE",
            "!~~" => "NOT LIKE",
            "~~*" => "ILIKE",
            "!~~*" => "NOT ILIKE",
            op => op,
        };
        self.push(&left);
        self.push(" ");
        self.push(op);
        self.push(" ");
        self.push(&right);
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], is_negated: bool) {
        self.operand(expr);
        self.push(if is_negated { " NOT IN (" } else { " IN (" });
        if self.is_masked {
            let mut written: Vec<String> = list.iter().map(|item| self.apart(|printer| printer.expr(item))).collect();
            written.sort();
            written.dedup();
            self.push(&written.join(", "));
        } else {
            self.list(", ", list);
        }
        self.push(")");
    }

    fn quantified(&mut self, expr: &Expr, op: &str, is_all: bool, array: &Expr) {
        let is_list = is_constant(array) || matches!(array, Expr::Array(parts) if parts.iter().all(is_constant));
        self.operand(expr);
        match (op, is_all) {
            ("=", false) if self.is_masked && is_list => self.push(" IN ($0)"),
            ("<>", true) if self.is_masked && is_list => self.push(" NOT IN ($0)"),
            _ => {
                self.push(&format!(" {op} {} (", if is_all { "ALL" } else { "ANY" }));
                self.expr(array);
                self.push(")");
            }
        }
    }
}

impl Test {
    fn as_sql(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::True => "TRUE",
            Self::False => "FALSE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Whether it is a constant or a parameter, cast or not.
pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(innermost(expr), Expr::Literal(_) | Expr::Parameter(_))
}

/// What is cast, once or several times.
fn innermost(mut expr: &Expr) -> &Expr {
    while let Expr::Cast { expr: inner, .. } = expr {
        expr = inner;
    }
    expr
}

/// The operator that means the same with its operands swapped.
pub fn commuted(op: &str) -> Option<&'static str> {
    Some(match op {
        "=" => "=",
        "<>" => "<>",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        "@>" => "<@",
        "<@" => "@>",
        "&&" => "&&",
        "@@" => "@@",
        "<<" => ">>",
        ">>" => "<<",
        "<<=" => ">>=",
        ">>=" => "<<=",
        "-|-" => "-|-",
        "%" => "%",
        "<->" => "<->",
        "<->>" => "<<->",
        "<<->" => "<->>",
        "<->>>" => "<<<->",
        "<<<->" => "<->>>",
        "~=" => "~=",
        "%>" => "<%",
        "<%" => "%>",
        "%>>" => "<<%",
        "<<%" => "%>>",
        "<<|" => "|>>",
        "|>>" => "<<|",
        _ => return None,
    })
}

/// Whether, masked, the operands are to be swapped: constants stand on the right, else the lesser text on the left.
fn is_after(left: &str, right: &str) -> bool {
    match (left == MASK, right == MASK) {
        (true, false) => true,
        (false, true) => false,
        _ => left > right,
    }
}
