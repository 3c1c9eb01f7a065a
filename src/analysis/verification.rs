//! Verifying a deploy from end to end: judge what the catalog has, plan the statements that the indexes were made for, join both.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::collect::{self, CollectOptions};
use crate::db::{Session, Target};
use crate::emit::Manifest;
use crate::error::Result;
use crate::pg::QueryId;
use crate::planning;
use crate::snapshot::{Catalog, Snapshot};
use crate::sql;
use crate::verify::{self, Verdict};
use crate::workload::{Weigh, Workload};

/// The verdict on what `manifest` says should be in the database at `target`. `say` is told what is being done.
///
/// # Errors
/// When the server cannot be reached or is lost, when a relation is locked, when the run is interrupted.
pub fn verify(target: &Target, manifest: &Manifest, say: &dyn Fn(&str)) -> Result<Verdict> {
    say("connecting");
    let mut session = Session::connect(target)?;
    say("comparing indexes");
    let mut verdict = verify::judge(&mut session, manifest, target.database())?;
    if manifest.indexes.iter().any(|index| !index.statements.is_empty()) {
        let options = CollectOptions {
            include_statements: false,
            application_schema: target.schema().map(str::to_owned),
            ..CollectOptions::default()
        };
        let snapshot = collect::collect(&mut session, &options, say)?;
        let mut workload = served(manifest, snapshot);
        say("planning the statements that the indexes serve");
        planning::plan_statements(&mut session, &mut workload, &mut |_| {})?;
        verify::apply_plans(&mut verdict, manifest, &workload.statements, &reasons(&workload));
    }
    Ok(verdict)
}

/// The statements of the manifest as a workload.
fn served(manifest: &Manifest, snapshot: Snapshot) -> Workload {
    let mut statements = verify::served_statements(manifest);
    let catalog = Catalog::new(&snapshot);
    for statement in &mut statements {
        statement.shape = sql::shape(&statement.text, &catalog).ok();
    }
    Workload { snapshot: Arc::new(snapshot), statements, weigh: Weigh::Cost, gaps: Vec::new() }
}

/// Why statements have no plan.
fn reasons(workload: &Workload) -> BTreeMap<QueryId, String> {
    let about_statements = workload.gaps.iter().filter(|gap| gap.what == "statement");
    about_statements.filter_map(|gap| Some((gap.id.parse().ok()?, gap.reason.clone()))).collect()
}
