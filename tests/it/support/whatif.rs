//! Workloads for what-if tests: statements planned on a live server as they are.

use std::sync::Arc;

use pgadvise::db::{ReadOptions, Session, Target};
use pgadvise::pg::{IndexDefinition, QueryId};
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::whatif::{Hypothetical, size};
use pgadvise::workload::{ExplainForm, Origin, Planned, PlannedBy, Statement, Weigh, Workload};
use pgadvise::{plan, sql};

use super::Database;

/// A guarded session with the database.
pub fn session(database: &Database) -> Session {
    session_as(&database.url())
}

/// A guarded session with the database of `url`.
pub fn session_as(url: &str) -> Session {
    Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session")
}

/// The statements, each planned as the database is now; one that cannot be planned has no plan.
pub fn workload(session: &mut Session, snapshot: Snapshot, texts: &[&str]) -> Workload {
    let options = ReadOptions { search_path: Some("public".into()), ..ReadOptions::default() };
    let catalog = Catalog::new(&snapshot);
    let statements: Vec<Statement> = texts
        .iter()
        .map(|text| {
            let form = if text.contains('$') { ExplainForm::Generic } else { ExplainForm::Plain };
            let json = session.read(&options, |transaction| match form {
                ExplainForm::Plain => transaction.explain("EXPLAIN (VERBOSE, FORMAT JSON) ", text),
                ExplainForm::Generic => transaction.explain_generic(text),
            });
            let plan = json.ok().map(|json| plan::parse(&json).expect("a plan"));
            Statement {
                queryid: QueryId(1),
                queryids: vec![QueryId(1)],
                text: (*text).to_owned(),
                origin: Origin::PgStatStatements,
                has_other_texts: false,
                is_top_level: true,
                n_calls: 1.0,
                n_rows: None,
                exec_ms_total: None,
                exec_ms_mean: None,
                exec_ms_stddev: None,
                n_shared_blocks: None,
                shape: sql::shape(text, &catalog).ok(),
                planned: plan.map(|plan| Planned {
                    text: (*text).to_owned(),
                    form,
                    by: PlannedBy::Constants,
                    is_rewritten_to_select: false,
                    variants: Vec::new(),
                    plan,
                }),
            }
        })
        .collect();
    Workload { statements, snapshot: Arc::new(snapshot), weigh: Weigh::Cost, gaps: Vec::new() }
}

/// A candidate on `public.relation`.
pub fn candidate(snapshot: &Snapshot, relation: &str, definition: IndexDefinition) -> Hypothetical {
    let catalog = Catalog::new(snapshot);
    let relation = catalog.find(Some("public"), relation).expect("the relation");
    let estimated_bytes = size::estimate(&catalog, relation, &definition).map(|size| size.bytes()).unwrap_or_default();
    Hypothetical { relation: relation.oid, definition, estimated_bytes }
}
