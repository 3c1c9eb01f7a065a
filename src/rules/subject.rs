//! What rules look at: a workload with its catalog and thresholds, and the questions that several rules ask of it.

use super::{Need, Thresholds};
use crate::snapshot::{Catalog, Relation};
use crate::workload::{Statement, Workload};

/// The input of every rule.
#[derive(Debug)]
pub struct Subject<'w> {
    /// The statements.
    pub workload: &'w Workload,
    /// The relations.
    pub catalog: Catalog<'w>,
    /// The limits that the user may set.
    pub thresholds: Thresholds,
}

impl<'w> Subject<'w> {
    /// `workload` and its own snapshot.
    pub fn new(workload: &'w Workload, thresholds: Thresholds) -> Self {
        Self { workload, catalog: Catalog::new(&workload.snapshot), thresholds }
    }

    /// The relations that advice may touch: indexable ones, in the snapshot's order.
    pub fn relations(&self) -> impl Iterator<Item = &'w Relation> {
        self.workload.snapshot.relations.iter().filter(|relation| relation.is_indexable())
    }

    /// What a statement takes now: ms where time is measured, else planner cost × calls; 0 where neither is known.
    pub fn impact(&self, statement: &Statement) -> f64 {
        statement.exec_ms_total.unwrap_or_else(|| statement.cost_before().unwrap_or(0.0) * statement.n_calls)
    }

    /// Whether `need` is there.
    pub(super) fn offers(&self, need: Need) -> bool {
        let statements = &self.workload.statements;
        match need {
            Need::Catalog => true,
            Need::Plans => statements.iter().any(|statement| statement.planned.is_some()),
            Need::CallCounts => !statements.is_empty(),
            Need::RowCounts => statements.iter().any(|statement| statement.n_rows.is_some()),
            Need::UsageCounters => self
                .workload
                .snapshot
                .relations
                .iter()
                .flat_map(|relation| &relation.indexes)
                .any(|index| index.usage.is_some()),
        }
    }
}
