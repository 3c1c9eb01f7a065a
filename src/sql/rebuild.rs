//! The tree changed from the leaves up: one generic walk, no meaning of its own.

use super::tree::{Call, Expr, SortKey};

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
        let mut call = self.clone();
        call.args = all(&self.args, change);
        for key in call.order.iter_mut().chain(&mut call.within_group) {
            rebuild_key(key, change);
        }
        if let Some(filter) = &mut call.filter {
            *filter = filter.rebuilt(change);
        }
        if let Some(window) = &mut call.over {
            window.partition = all(&window.partition, change);
            window.order.iter_mut().for_each(|key| rebuild_key(key, change));
        }
        call
    }
}

fn rebuild_key(key: &mut SortKey, change: &mut dyn FnMut(Expr) -> Expr) {
    key.expr = key.expr.rebuilt(change);
}

fn one(expr: &Expr, change: &mut dyn FnMut(Expr) -> Expr) -> Box<Expr> {
    Box::new(expr.rebuilt(change))
}

fn all(exprs: &[Expr], change: &mut dyn FnMut(Expr) -> Expr) -> Vec<Expr> {
    exprs.iter().map(|expr| expr.rebuilt(change)).collect()
}
