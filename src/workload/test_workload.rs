//! Workloads for unit tests.

use std::sync::Arc;

use super::{ExplainForm, Origin, Planned, PlannedBy, Statement, Weigh, Workload};
use crate::pg::{QueryId, ServerVersion};
use crate::plan::{Node, Plan};
use crate::snapshot::{FORMAT_VERSION, Server, Snapshot};

/// A snapshot of an empty database.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        format_version: FORMAT_VERSION,
        taken_at: jiff::Timestamp::UNIX_EPOCH,
        server: Server {
            version: ServerVersion(150_018),
            version_text: "PostgreSQL 15.18".to_owned(),
            database: "shop".to_owned(),
            role: "app".to_owned(),
            role_is_superuser: false,
            is_in_recovery: false,
            started_at: None,
            stats_reset: None,
            node: Default::default(),
            encoding: "UTF8".to_owned(),
            collate: "C.UTF-8".to_owned(),
            ctype: "C.UTF-8".to_owned(),
            locale_provider: 'c',
            icu_locale: None,
            block_bytes: 8192,
            search_path: vec!["public".to_owned()],
            application_role: None,
            extensions: Vec::new(),
            available_extensions: Vec::new(),
        },
        settings: Vec::new(),
        setting_overrides: Vec::new(),
        tablespaces: Vec::new(),
        relations: Vec::new(),
        other_names: Vec::new(),
        schema: Default::default(),
        statements: None,
        plans: Vec::new(),
        replicas: Vec::new(),
        gaps: Vec::new(),
    }
}

/// A workload of `statements` over an empty database.
pub(crate) fn workload(weigh: Weigh, statements: Vec<Statement>) -> Workload {
    Workload { snapshot: Arc::new(snapshot()), statements, weigh, gaps: Vec::new() }
}

/// A statement that is planned at `cost`, if there is one.
pub(crate) fn statement(queryid: i64, n_calls: f64, exec_ms_total: Option<f64>, cost: Option<f64>) -> Statement {
    let text = format!("VALUES ({queryid})");
    Statement {
        queryid: QueryId(queryid),
        queryids: vec![QueryId(queryid)],
        text: text.clone(),
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: true,
        n_calls,
        n_rows: None,
        exec_ms_total,
        exec_ms_mean: exec_ms_total.map(|total| total / n_calls),
        exec_ms_stddev: None,
        n_shared_blocks: None,
        shape: None,
        planned: cost.map(|total_cost| Planned {
            text,
            form: ExplainForm::Plain,
            by: PlannedBy::Constants,
            is_rewritten_to_select: false,
            plan: Plan { root: Node { total_cost, ..Node::default() } },
            variants: Vec::new(),
        }),
    }
}
