//! The tree changed from the leaves up: one generic walk, no meaning of its own.

use super::tree::{Call, Expr, SortKey, Window};

impl Expr {
    /// It with every part replaced by what `change` makes of it, parts before the whole. Queries inside are kept.
    pub fn rebuilt(&self, change: &mut dyn FnMut(Expr) -> Expr) -> Expr {
        let rebuilt = match self {
            Self::Column(_) | Self::ScanColumn { .. } | Self::Opaque(_) | Self::Star(_) | Self::Literal(_) => {
                self.clone()
            }
            Self::Parameter(_) | Self::Subquery { .. } | Self::Exists { .. } => self.clone(),
            Self::And(parts) => Self::And(all(parts, change)),
            Self::Or(parts) => Self::Or(all(parts, change)),
            Self::Row(parts) => Self::Row(all(parts, change)),
            Self::Array(parts) => Self::Array(all(parts, change)),
            Self::GroupingSets(parts) => Self::GroupingSets(all(parts, change)),
            Self::Behind(parts) => Self::Behind(all(parts, change)),
            Self::Not(expr) => Self::Not(one(expr, change)),
            Self::Prefix { op, expr } => Self::Prefix { op: op.clone(), expr: one(expr, change) },
            Self::Is { expr, test, is_negated } => {
                Self::Is { expr: one(expr, change), test: *test, is_negated: *is_negated }
            }
            Self::Cast { expr, type_name } => Self::Cast { expr: one(expr, change), type_name: type_name.clone() },
            Self::Collate { expr, collation } => {
                Self::Collate { expr: one(expr, change), collation: collation.clone() }
            }
            Self::Field { expr, field } => Self::Field { expr: one(expr, change), field: field.clone() },
            Self::InQuery { expr, op, query, is_negated } => {
                Self::InQuery { expr: one(expr, change), op: op.clone(), query: query.clone(), is_negated: *is_negated }
            }
            Self::Binary { op, left, right } => {
                Self::Binary { op: op.clone(), left: one(left, change), right: one(right, change) }
            }
            Self::Distinct { left, right, is_negated } => {
                Self::Distinct { left: one(left, change), right: one(right, change), is_negated: *is_negated }
            }
            Self::In { expr, list, is_negated } => {
                Self::In { expr: one(expr, change), list: all(list, change), is_negated: *is_negated }
            }
            Self::Any { expr, op, is_all, array } => {
                Self::Any { expr: one(expr, change), op: op.clone(), is_all: *is_all, array: one(array, change) }
            }
            Self::Subscript { expr, bounds, is_slice } => {
                Self::Subscript { expr: one(expr, change), bounds: all(bounds, change), is_slice: *is_slice }
            }
            Self::Case { operand, branches, otherwise } => Self::Case {
                operand: operand.as_ref().map(|expr| one(expr, change)),
                branches: branches.iter().map(|(when, then)| (when.rebuilt(change), then.rebuilt(change))).collect(),
                otherwise: otherwise.as_ref().map(|expr| one(expr, change)),
            },
            Self::Function(call) => Self::Function(Box::new(call.rebuilt(change))),
        };
        change(rebuilt)
    }
}

impl Call {
    fn rebuilt(&self, change: &mut dyn FnMut(Expr) -> Expr) -> Call {
        Call {
            name: self.name.clone(),
            args: all(&self.args, change),
            is_distinct: self.is_distinct,
            order: keys(&self.order, change),
            within_group: keys(&self.within_group, change),
            filter: self.filter.as_ref().map(|filter| filter.rebuilt(change)),
            over: self.over.as_ref().map(|window| Window {
                base: window.base.clone(),
                partition: all(&window.partition, change),
                order: keys(&window.order, change),
                has_frame: window.has_frame,
            }),
        }
    }
}

fn keys(keys: &[SortKey], change: &mut dyn FnMut(Expr) -> Expr) -> Vec<SortKey> {
    keys.iter().map(|key| SortKey { expr: key.expr.rebuilt(change), ..*key }).collect()
}

fn one(expr: &Expr, change: &mut dyn FnMut(Expr) -> Expr) -> Box<Expr> {
    Box::new(expr.rebuilt(change))
}

fn all(exprs: &[Expr], change: &mut dyn FnMut(Expr) -> Expr) -> Vec<Expr> {
    exprs.iter().map(|expr| expr.rebuilt(change)).collect()
}
