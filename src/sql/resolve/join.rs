//! Conditions between scans: joins, and what an OR across scans says about each of them.

use std::collections::BTreeSet;

use super::super::logic::{conjuncts, scans_of};
use super::super::print::{self, commuted};
use super::super::quals::comparison;
use super::super::shape::{Comparison, JoinKind, JoinQual};
use super::super::target::index_target;
use super::super::tree::Expr;
use super::Resolver;
use crate::pg::IndexTarget;

impl Resolver<'_, '_> {
    /// A comparison between two scans.
    pub(super) fn add_join(
        &mut self,
        condition: &Expr,
        left_scan: usize,
        kind: JoinKind,
        restricts: &dyn Fn(usize) -> bool,
    ) {
        match condition {
            Expr::Binary { op, left, right } => {
                if let Some(join) = self.join_qual(op, left, right, left_scan, kind) {
                    return self.joins.push(join);
                }
            }
            // Each element of the other scan's array is looked up.
            Expr::Any { expr, op, is_all: false, array } if op == "=" => {
                if let Some(scan) =
                    Self::only_scan(expr).filter(|scan| restricts(*scan) && !scans_of(array).contains(scan))
                {
                    let outside = Expr::binary("=", (**expr).clone(), Expr::Opaque("element".to_owned()));
                    return self.add_quals(scan, &outside);
                }
            }
            _ => {}
        }
        self.apply_to_each(condition, &scans_of(condition), restricts);
    }

    /// `left op right` as a join, with `left_scan` on the left.
    pub(super) fn join_qual(
        &self,
        op: &str,
        left: &Expr,
        right: &Expr,
        left_scan: usize,
        kind: JoinKind,
    ) -> Option<JoinQual> {
        let (one, other) = (Self::only_scan(left)?, Self::only_scan(right)?);
        if one == other {
            return None;
        }
        let (op, left, right) = if one == left_scan { (op, left, right) } else { (commuted(op)?, right, left) };
        let comparison = comparison(op, right);
        if matches!(comparison, Comparison::NotEqual | Comparison::Pattern | Comparison::LikePrefix) {
            return None;
        }
        let right_scan = if one == left_scan { other } else { one };
        Some(JoinQual {
            left_scan,
            left: self.join_target(left, left_scan),
            comparison,
            right_scan,
            right: self.join_target(right, right_scan),
            kind,
        })
    }

    /// One side of a join: what could be indexed, else the expression as it is.
    fn join_target(&self, expr: &Expr, scan: usize) -> IndexTarget {
        let target = index_target(expr, self.known(scan));
        target.unwrap_or_else(|| IndexTarget::Expression(print::sql(expr)))
    }

    /// What an OR across scans says about each of them: `(t.a = 1 AND u.b = 2) OR (t.a = 3 AND u.b = 4)` restricts
    /// `t` to `a = 1 OR a = 3`, if every arm says something about `t` alone.
    pub(super) fn apply_to_each(
        &mut self,
        condition: &Expr,
        scans: &BTreeSet<usize>,
        restricts: &dyn Fn(usize) -> bool,
    ) {
        let Expr::Or(arms) = condition else { return };
        for scan in scans.iter().copied().filter(|scan| restricts(*scan)) {
            let own_arm = |arm: &Expr| {
                let mut own = conjuncts(arm.clone());
                own.retain(|part| Self::only_scan(part) == Some(scan));
                match own.len() {
                    0 => None,
                    1 => own.pop(),
                    _ => Some(Expr::And(own)),
                }
            };
            if let Some(own) = arms.iter().map(own_arm).collect::<Option<Vec<Expr>>>() {
                self.add_quals(scan, &Expr::Or(own));
            }
        }
    }
}
