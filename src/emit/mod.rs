//! Advice → text: statements, migrations for one framework, rollbacks, a verification script, a manifest; and writing them. Decides nothing.

pub mod canonical;
mod comment;
mod ddl;
mod fragment;
mod framework;
mod guards;
mod header;
mod manifest;
mod partitioned;
mod redact;
mod sql;
mod verify_sql;
mod write;

pub use canonical::Canonical;
pub use ddl::{Statement, Statements, statements, statistics_statements};
pub use framework::{EmittedFile, Framework, Migration, MigrationFiles, StatisticsMigration};
pub use header::Provenance;
pub use manifest::{MANIFEST_FILE, MANIFEST_VERSION, Manifest, ManifestIndex, ManifestStatement, ManifestStatistics};
pub use redact::without_values;
pub use sql::Sql;
pub use write::{newest_manifest, write};

use jiff::Timestamp;

use crate::advice::{Advice, StatementGain, StatisticsStep, Step};
use crate::error::Result;
use crate::snapshot::{Catalog, Gap};
use crate::whatif::Backend;
use crate::workload::Workload;

/// What is to be emitted.
#[derive(Debug, Clone, Copy)]
pub struct Emission<'a> {
    /// The advice: its statistics objects come first, then its steps in their order.
    pub advice: &'a Advice,
    /// The workload that they were found for.
    pub workload: &'a Workload,
    /// What priced them.
    pub backend: Option<Backend>,
    /// When.
    pub emitted_at: Timestamp,
}

/// Everything that one run emits, not yet written.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// When it was emitted; names the folder.
    pub emitted_at: Timestamp,
    /// The files, in the order of the steps; the manifest and the verification script last. Empty when no step could
    /// be written.
    pub files: Vec<EmittedFile>,
    /// The manifest, as it is among the files.
    pub manifest: Manifest,
    /// Steps without a file, and why.
    pub gaps: Vec<Gap>,
}

/// The files for every step of `emission`, as `framework` has them. Pure: nothing is written yet.
///
/// # Errors
/// Only when the manifest cannot be serialised, which is a defect.
pub fn bundle(emission: &Emission<'_>, framework: &dyn Framework) -> Result<Bundle> {
    let snapshot = &emission.workload.snapshot;
    let catalog = Catalog::new(snapshot);
    let provenance = Provenance { backend: emission.backend, server_version: snapshot.server.version };
    let search_path = &snapshot.server.search_path;
    let mut written = Vec::new();
    let mut gaps = Vec::new();
    let mut statistics = Vec::new();
    for step in &emission.advice.statistics {
        match statistics_statements(step) {
            Err(reason) => gaps.push(not_written("create", &step.definition.name, &reason)),
            Ok(statements) => {
                let number = statistics.len() + 1;
                let files = framework.statistics_files(&StatisticsMigration { number, step, statements, provenance });
                statistics.push(manifest_statistics(step, emission.workload, &files));
                written.extend([files.migration, files.rollback]);
            }
        }
    }
    let mut indexes = Vec::new();
    for step in &emission.advice.steps {
        match statements(step, &catalog) {
            Err(reason) => gaps.push(not_written(step.action.verb(), &step.id, &reason)),
            Ok(statements) => {
                let number = statistics.len() + indexes.len() + 1;
                let migration = framework.files(&Migration { number, step, statements, provenance, search_path });
                indexes.push(manifest_index(step, emission.workload, &migration));
                written.extend([migration.migration, migration.rollback]);
            }
        }
    }
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        pgadvise_version: env!("CARGO_PKG_VERSION").to_owned(),
        emitted_at: emission.emitted_at,
        framework: framework.name().to_owned(),
        server_version: snapshot.server.version.to_string(),
        database: snapshot.server.database.clone(),
        search_path: snapshot.server.search_path.clone(),
        what_if: emission.backend,
        statistics,
        indexes,
    };
    if !written.is_empty() {
        written.push(verify_sql::file(&manifest));
        written.push(EmittedFile { path: MANIFEST_FILE.to_owned(), content: manifest.to_json()? });
    }
    Ok(Bundle { emitted_at: emission.emitted_at, files: written, manifest, gaps })
}

/// The gap of a step that gets no file.
fn not_written(verb: &str, id: &str, reason: &str) -> Gap {
    Gap::new("migration", id, format!("no file to {verb} it was written: {reason}"))
}

fn manifest_statements(gains: &[StatementGain], workload: &Workload) -> Vec<ManifestStatement> {
    let statement = |gain: &StatementGain| ManifestStatement {
        queryid: gain.queryid,
        text: workload.statements.get(gain.statement).and_then(|statement| without_values(&statement.text)),
        calls: gain.n_calls,
        cost_before: gain.cost_before,
        cost_after: gain.cost_after,
    };
    gains.iter().map(statement).collect()
}

fn manifest_statistics(step: &StatisticsStep, workload: &Workload, files: &MigrationFiles) -> ManifestStatistics {
    ManifestStatistics {
        definition: step.definition.clone(),
        migration: files.migration.path.clone(),
        rollback: files.rollback.path.clone(),
        statements: manifest_statements(&step.statements, workload),
    }
}

fn manifest_index(step: &Step, workload: &Workload, files: &MigrationFiles) -> ManifestIndex {
    ManifestIndex {
        action: step.action,
        relation: step.relation.clone(),
        name: step.id.clone(),
        definition: step.index.clone(),
        migration: files.migration.path.clone(),
        rollback: files.rollback.path.clone(),
        index_bytes: step.index_bytes,
        statements: manifest_statements(&step.statements, workload),
    }
}
