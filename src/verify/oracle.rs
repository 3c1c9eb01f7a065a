//! Do two definitions that differ as text mean the same? The planner prints both alike if they do. Plans only, runs nothing.

use super::catalog::pinned_settings;
use crate::db::{Failure, ReadOptions, Session};
use crate::emit::Canonical;
use crate::emit::canonical::probe;
use crate::error::Result;
use crate::pg::RelationName;
use crate::plan;

/// VERBOSE for the output columns, no costs: only what is computed counts.
const EXPLAIN: &str = "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ";

/// Whether expressions and predicates of both mean the same. The inner `None`: the role may not plan queries over the
/// relation, so that nobody can tell.
pub(super) fn is_same(
    session: &mut Session,
    relation: &RelationName,
    search_path: &str,
    wanted: &Canonical,
    found: &Canonical,
) -> Result<Option<bool>> {
    let options = options(search_path);
    let mut plans = Vec::new();
    for canonical in [wanted, found] {
        let query = probe(relation, canonical);
        match session.read(&options, |transaction| transaction.explain(EXPLAIN, &query)) {
            // Parsed, because beside the plan there is the query's identifier, which differs.
            Ok(json) => plans.push(plan::parse(&json)?),
            Err(Failure::Statement(refused)) if refused.is_privilege_missing() => return Ok(None),
            // Class 42: what is wanted names something that is not there (any more), so nothing can be the same.
            Err(Failure::Statement(refused)) if refused.code.starts_with("42") => return Ok(Some(false)),
            Err(failure) => return Err(failure.while_doing("comparing index definitions")),
        }
    }
    Ok(Some(plans[0] == plans[1]))
}

/// Nothing but a sequential scan, whose filter is the whole predicate.
fn options(search_path: &str) -> ReadOptions {
    let mut settings = pinned_settings();
    for name in ["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"] {
        settings.push((name, "off".to_owned()));
    }
    settings.push(("max_parallel_workers_per_gather", "0".to_owned()));
    ReadOptions { search_path: Some(search_path.to_owned()), settings, ..ReadOptions::default() }
}
