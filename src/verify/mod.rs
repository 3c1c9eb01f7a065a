//! Manifest × live catalog × plans → a verdict for each index and statistics object. Reads and plans; changes and runs nothing.

mod catalog;
mod compare;
mod oracle;
mod state;
mod statistics;
mod usage;
mod verdict;

pub use state::qualified;
pub use statistics::{StatisticsState, StatisticsVerdict};
pub use usage::{apply_plans, served_statements};
pub use verdict::{IndexState, IndexVerdict, Standing, StatementVerdict, Usage, Verdict};

use crate::db::Session;
use crate::emit::{Canonical, Manifest, ManifestIndex};
use crate::error::Result;

use self::catalog::LiveCatalog;
use self::compare::{Comparison, compare};
use self::state::Candidate;

/// The verdict on the indexes and statistics objects of `manifest`, by definition and not by name; whether statements use
/// the indexes is not asked yet ([`apply_plans`]). Expressions of the manifest are looked up as they were when it was made.
///
/// Call it before anything is planned: planning alone makes the server count scans.
///
/// # Errors
/// `Inconclusive` when a relation is locked, `Connection` when the session is lost.
pub fn judge(session: &mut Session, manifest: &Manifest, database: &str) -> Result<Verdict> {
    let catalog = LiveCatalog::read(session, manifest)?;
    let search_path = manifest.search_path_sql();
    let mut indexes = Vec::new();
    for wanted in &manifest.indexes {
        let candidates = candidates(session, wanted, &catalog, &search_path)?;
        indexes.push(state::judge(wanted, &candidates, &catalog));
    }
    let version = session.server_version();
    let judged = manifest.statistics.iter().map(|wanted| statistics::judge(&wanted.definition, &catalog, version));
    Ok(Verdict {
        database: database.to_owned(),
        manifest_database: manifest.database.clone(),
        server_version: version,
        indexes,
        statistics: judged.collect(),
    })
}

/// The indexes of the relation, each with whether it is what is wanted.
fn candidates<'a>(
    session: &mut Session,
    wanted: &'a ManifestIndex,
    catalog: &'a LiveCatalog,
    search_path: &str,
) -> Result<Vec<Candidate<'a>>> {
    let canonical = Canonical::of(&wanted.definition);
    let mut candidates = Vec::new();
    for index in catalog.indexes_of(&wanted.relation) {
        let is_same = match compare(&canonical, &index.canonical) {
            Comparison::Same => Some(true),
            Comparison::Different => Some(false),
            Comparison::AskThePlanner => {
                oracle::is_same(session, &wanted.relation, search_path, &canonical, &index.canonical)?
            }
        };
        candidates.push((index, is_same));
    }
    Ok(candidates)
}
