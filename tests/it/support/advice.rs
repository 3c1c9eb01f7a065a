//! Steps, workloads and snapshots for tests of what comes after the advice, and psql to run what is emitted.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use pgadvise::advice::{Action, Advice, StatementGain, StatisticsStep, Step, WriteCost};
use pgadvise::emit::{self, Bundle, Emission, Sql};
use pgadvise::pg::{Bytes, IndexDefinition, Oid, QueryId, RelationName, ServerVersion, StatisticsDefinition};
use pgadvise::snapshot::{
    FORMAT_VERSION, Index, Persistence, Relation, RelationKind, Server, Snapshot, Statements, StatementsSource,
};
use pgadvise::whatif::Backend;
use pgadvise::workload::{Origin, Statement, Weigh, Workload};

/// The moment at which everything in tests happens.
pub const NOW: &str = "2026-11-20T18:00:00Z";

/// A step that creates `definition` as `name` on `relation`, whose oid is `oid`, and serves statement 0.
pub fn create_step(oid: u32, relation: &RelationName, name: &str, definition: IndexDefinition) -> Step {
    Step {
        id: name.to_owned(),
        action: Action::CreateIndex,
        relation_oid: Oid(oid),
        relation: relation.clone(),
        index: definition,
        taken_over_by: None,
        partitions: vec![],
        index_bytes: Bytes(12 << 20),
        cost_before: 673_164.0,
        cost_after: 96_984.0,
        write_cost: 1_250.5,
        writes: WriteCost { us_per_write: 4.6, wal_bytes: 660_000.0, ..WriteCost::default() },
        breaks_hot: false,
        answers: vec!["index_filter".into(), "sort_avoidable".into()],
        statements: vec![StatementGain {
            statement: 0,
            queryid: QueryId(4611686018427387904),
            n_calls: 1200.0,
            exec_ms_total: Some(5_400.0),
            cost_before: 560.97,
            cost_after: 80.82,
            variants: vec![],
        }],
        cautions: vec![],
    }
}

/// A step that drops the index `name`.
pub fn drop_step(oid: u32, relation: &RelationName, name: &str, definition: IndexDefinition) -> Step {
    Step {
        action: Action::DropIndex,
        index_bytes: Bytes(45 << 20),
        cost_before: 10.0,
        cost_after: 10.0,
        write_cost: -880.0,
        writes: WriteCost::default(),
        answers: vec!["redundant_index".into()],
        statements: vec![],
        ..create_step(oid, relation, name, definition)
    }
}

/// A step that makes the statistics object `definition` and serves no statement.
pub fn statistics_step(definition: StatisticsDefinition) -> StatisticsStep {
    StatisticsStep {
        definition,
        relation_oid: Oid(1),
        cost_before: 673_164.0,
        cost_after: 96_984.0,
        evidence: "10000 rows were counted where 100 are expected".into(),
        statements: vec![],
        cautions: vec![],
    }
}

/// A table as a snapshot has it, with `indexes`.
pub fn table(oid: u32, name: &RelationName, indexes: Vec<Index>) -> Relation {
    Relation {
        oid: Oid(oid),
        name: name.clone(),
        kind: RelationKind::Table,
        persistence: Persistence::Permanent,
        owner: "postgres".into(),
        extension: None,
        is_partition: false,
        parent: None,
        partition_key: None,
        has_row_security: false,
        can_select: true,
        is_locked: false,
        options: vec![],
        n_pages: 1000,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: None,
        n_rows: Some(100_000.0),
        n_all_visible_pages: 1000,
        columns: vec![],
        indexes,
        constraints: vec![],
        extended_statistics: vec![],
        activity: None,
        view_definition: None,
        declaration: Default::default(),
    }
}

/// A valid index as a snapshot has it.
pub fn existing_index(oid: u32, name: &str, definition: IndexDefinition, options: &[&str]) -> Index {
    Index {
        oid: Oid(oid),
        name: name.to_owned(),
        definition,
        is_valid: true,
        is_ready: true,
        is_live: true,
        is_primary: false,
        is_exclusion: false,
        is_replica_identity: false,
        is_clustered: false,
        constraint: None,
        parent: None,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        n_pages: 100,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: None,
        n_rows: Some(100_000.0),
        usage: None,
        expression_statistics: vec![],
        is_being_built: false,
    }
}

/// A snapshot of a 15.18 with `relations` and empty pg_stat_statements.
pub fn snapshot(relations: Vec<Relation>) -> Snapshot {
    let now = NOW.parse().expect("a time");
    Snapshot {
        format_version: FORMAT_VERSION,
        taken_at: now,
        server: Server {
            version: ServerVersion(150018),
            version_text: "PostgreSQL 15.18".into(),
            database: "shop".into(),
            role: "postgres".into(),
            role_is_superuser: true,
            is_in_recovery: false,
            started_at: None,
            stats_reset: None,
            node: Default::default(),
            encoding: "UTF8".into(),
            collate: "C.UTF-8".into(),
            ctype: "C.UTF-8".into(),
            locale_provider: 'c',
            icu_locale: None,
            block_bytes: 8192,
            search_path: vec!["public".into()],
            application_role: None,
            extensions: vec![],
            available_extensions: vec![],
        },
        settings: vec![],
        setting_overrides: vec![],
        tablespaces: Vec::new(),
        relations,
        other_names: vec![],
        schema: Default::default(),
        statements: Some(Statements {
            source: StatementsSource { stats_reset: Some(now), ..StatementsSource::default() },
            ..Statements::default()
        }),
        plans: Vec::new(),
        replicas: Vec::new(),
        gaps: vec![],
    }
}

/// A statement that was neither parsed nor planned.
pub fn statement(text: &str) -> Statement {
    Statement {
        queryid: QueryId(4611686018427387904),
        queryids: vec![QueryId(4611686018427387904)],
        text: text.to_owned(),
        origin: Origin::PgStatStatements,
        has_other_texts: false,
        is_top_level: true,
        n_calls: 1200.0,
        n_rows: Some(24_000.0),
        exec_ms_total: Some(5_400.0),
        exec_ms_mean: Some(4.5),
        exec_ms_stddev: Some(0.5),
        n_shared_blocks: Some(60_000.0),
        shape: None,
        planned: None,
    }
}

/// The workload of `statements` over `relations`.
pub fn workload(relations: Vec<Relation>, statements: Vec<Statement>) -> Workload {
    Workload { snapshot: Arc::new(snapshot(relations)), statements, weigh: Weigh::Time, gaps: vec![] }
}

/// Advice that consists of `steps`.
pub fn advice(steps: Vec<Step>) -> Advice {
    Advice {
        steps,
        cost_before: 10_000_000.0,
        cost_after: 410_000.0,
        cost_floor: 390_000.0,
        exec_ms_before: Some(98_765.4),
        exec_ms_after: Some(12_345.6),
        n_whatif_calls: 207,
        ..Advice::default()
    }
}

/// The files of framework `sql` for `steps`.
pub fn bundle(steps: &[Step], workload: &Workload) -> Bundle {
    bundle_with_statistics(&[], steps, workload)
}

/// The files of framework `sql` for statistics objects and steps.
pub fn bundle_with_statistics(statistics: &[StatisticsStep], steps: &[Step], workload: &Workload) -> Bundle {
    let emitted_at = NOW.parse().expect("a time");
    let advice = Advice { statistics: statistics.to_vec(), ..advice(steps.to_vec()) };
    let emission = Emission { advice: &advice, workload, backend: Some(Backend::Hypopg), emitted_at };
    emit::bundle(&emission, &Sql).expect("a bundle")
}

/// Runs psql on `files`, as the headers of emitted files say. `PSQL` names another psql than the one on the PATH.
pub fn psql(url: &str, files: &[&Path]) -> Output {
    let program = std::env::var_os("PSQL").unwrap_or_else(|| "psql".into());
    let mut command = Command::new(program);
    command.args(["-X", "-q"]).env("PGOPTIONS", "").env("LC_ALL", "C.UTF-8");
    for file in files {
        command.arg("-f").arg(file);
    }
    command.arg(url).output().expect("psql, which the tests need on the PATH")
}
