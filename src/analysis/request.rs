//! What an analysis is asked to do: what to read, what to leave out, what to price with.

use std::path::PathBuf;

use super::Budget;
use crate::advice::AdviseOptions;
use crate::collect::CollectOptions;
use crate::db::Target;
use crate::error::Result;
use crate::rules::{Selection, Thresholds};
use crate::snapshot::{Gap, Snapshot};
use crate::whatif::Choice;
use crate::workload::{BuildOptions, Weigh};

/// What is analysed.
#[derive(Debug, Clone)]
pub enum Source {
    /// A server.
    Server(Box<Target>),
    /// A file that [`Snapshot::write_file`] wrote.
    Snapshot(PathBuf),
}

/// The input of [`super::analyze`].
#[derive(Debug)]
pub struct Request {
    /// What to read.
    pub source: Source,
    /// Other nodes of the server's replication, whose counters are read as well.
    pub replicas: Vec<Target>,
    /// SQL files and folders whose statements are the workload, beside pg_stat_statements.
    pub workload_files: Vec<PathBuf>,
    /// Whether pg_stat_statements is left out, so that the files alone are the workload.
    pub without_statements: bool,
    /// What a statement counts; where time is measured that, else cost, when `None`.
    pub weigh: Option<Weigh>,
    /// What prices hypothetical indexes.
    pub what_if: Choice,
    /// The database for the sandbox backend, as a connection string.
    pub sandbox: Option<String>,
    /// The folder of the server programs for the shadow; searched for when `None`.
    pub pg_bindir: Option<PathBuf>,
    /// Leave out statements with fewer calls.
    pub n_calls_min: f64,
    /// Leave out statements with a lower mean execution time, in ms.
    pub mean_ms_min: f64,
    /// Most bytes of new indexes.
    pub budget: Option<Budget>,
    /// Whether maintaining an index counts nothing in the choice: to measure what counting it is worth.
    pub ignores_writes: bool,
    /// Questions to the planner after which the search stops improving; by the number of statements when `None`.
    pub effort: Option<u64>,
    /// Propose only for these relations, as `name` or `schema.name`.
    pub include: Vec<String>,
    /// Propose nothing for these relations.
    pub exclude: Vec<String>,
    /// Propose only for relations of these schemas.
    pub schemas: Vec<String>,
    /// Which rules run.
    pub selection: Selection,
    /// Their thresholds.
    pub thresholds: Thresholds,
}

impl Request {
    /// Everything by default, for `source`.
    pub fn of_source(source: Source) -> Self {
        Self {
            source,
            replicas: Vec::new(),
            workload_files: Vec::new(),
            without_statements: false,
            weigh: None,
            what_if: Choice::Auto,
            sandbox: None,
            pg_bindir: None,
            n_calls_min: 0.0,
            mean_ms_min: 0.0,
            budget: None,
            ignores_writes: false,
            effort: None,
            include: Vec::new(),
            exclude: Vec::new(),
            schemas: Vec::new(),
            selection: Selection::default(),
            thresholds: Thresholds::default(),
        }
    }

    /// Everything by default, for the server that the connection string `source` names.
    ///
    /// # Errors
    /// Usage, when the string is malformed.
    pub fn of(source: &str) -> Result<Self> {
        Ok(Self::of_source(Source::Server(Box::new(Target::resolve(Some(source))?))))
    }

    pub(super) fn collect_options(&self, target: &Target) -> CollectOptions {
        CollectOptions {
            include_statements: !self.without_statements,
            application_schema: target.schema().map(str::to_owned),
            ..CollectOptions::default()
        }
    }

    pub(super) fn build_options(&self) -> BuildOptions {
        BuildOptions { weigh: self.weigh, n_calls_min: self.n_calls_min, mean_ms_min: self.mean_ms_min }
    }

    /// Names of `--include`, `--exclude` and `--schema` that nothing bears: a typing error would otherwise look like an
    /// analysis that finds nothing.
    pub(super) fn unknown_names(&self, snapshot: &Snapshot) -> Vec<Gap> {
        let is_known =
            |options: &AdviseOptions| snapshot.relations.iter().any(|relation| options.admits(&relation.name));
        let only = |name: &String| vec![name.clone()];
        let relations = [("--include", &self.include), ("--exclude", &self.exclude)].into_iter();
        let relations = relations.flat_map(|(option, names)| names.iter().map(move |name| (option, name)));
        let unknown_relations =
            relations.filter(|(_, name)| !is_known(&AdviseOptions { include: only(name), ..Default::default() }));
        let schemas = self.schemas.iter().map(|name| ("--schema", name));
        let unknown_schemas =
            schemas.filter(|(_, name)| !is_known(&AdviseOptions { schemas: only(name), ..Default::default() }));
        let gap = |(option, name): (&str, &String)| {
            let reason =
                "no relation has this name; write it as the catalog does, in the same case: name or schema.name";
            Gap::new("option", format!("{option} {name}"), reason)
        };
        unknown_relations.chain(unknown_schemas).map(gap).collect()
    }

    pub(super) fn sandbox_target(&self) -> Result<Option<Target>> {
        self.sandbox.as_deref().map(|source| Target::resolve(Some(source))).transpose()
    }

    pub(super) fn advise_options(&self, snapshot: &Snapshot) -> AdviseOptions {
        AdviseOptions {
            budget: self.budget.map(|budget| budget.bytes(snapshot)),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            schemas: self.schemas.clone(),
            ignores_writes: self.ignores_writes,
            n_calls_max: self.effort,
            unused_days_min: self.thresholds.min_stats_age_days,
            unused_bytes_min: self.thresholds.unused_index_min_bytes as u64,
            ..AdviseOptions::default()
        }
    }
}
