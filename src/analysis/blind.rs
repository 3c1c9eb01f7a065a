//! Plans that a shadow made without knowing what the server's planner knows. Asks nobody.

use std::collections::BTreeSet;

use crate::plan::Plan;
use crate::snapshot::{Catalog, Gap, Relation};
use crate::workload::Workload;

/// Takes back the plans of statements on relations whose statistics the role could not read: the shadow planned them by
/// the planner's defaults, which prove nothing. Each becomes a gap, as it would where the server refuses to plan it.
pub(super) fn forget_blind_plans(workload: &mut Workload) {
    let snapshot = std::sync::Arc::clone(&workload.snapshot);
    let catalog = Catalog::new(&snapshot);
    for statement in &mut workload.statements {
        let Some(planned) = &statement.planned else { continue };
        let blind: BTreeSet<String> = relations(&planned.plan, &catalog)
            .into_iter()
            .filter(|relation| relation.hides_statistics())
            .map(|relation| relation.name.to_string())
            .collect();
        if !blind.is_empty() {
            let names = blind.into_iter().collect::<Vec<_>>().join(", ");
            let reason = format!(
                "could not be planned, only its text is known: the role {} may not see the planner's statistics of {names}",
                snapshot.server.role
            );
            workload.gaps.push(Gap::new("statement", statement.place(), reason));
            statement.planned = None;
        }
    }
    workload.sort();
}

/// The relations that a plan reads.
fn relations<'s>(plan: &Plan, catalog: &Catalog<'s>) -> Vec<&'s Relation> {
    let scans = plan.scans();
    scans
        .iter()
        .filter_map(|scan| catalog.find(scan.node.schema.as_deref(), scan.node.relation_name.as_deref()?))
        .collect()
}
