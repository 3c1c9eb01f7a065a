//! What the command line looks like: clap definitions and the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Exit codes, as `--help` shows them.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    findings at or above --fail-on, or verify found a difference
  2    wrong usage or configuration
  3    could not connect, or lost the server
  4    unsupported or malformed input
  5    output could not be written
  6    inconclusive: verify found an index that is still being built
  70   a defect of pgadvise
  130  interrupted (SIGINT); 143 terminated (SIGTERM)";

/// Index advice for PostgreSQL that a DBA would sign.
///
/// Reads what a server runs (pg_stat_statements) and how it plans it (EXPLAIN), finds what hurts, proves each index
/// against the planner before proposing it, and writes migrations for review. It never writes to the database it
/// reads and never runs its statements.
#[derive(Debug, Parser)]
#[command(name = "pgadvise", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// Say more on stderr: -v what is done, -vv every statement's name and time
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// No progress and no notes on stderr, errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// When to use colours; NO_COLOR and TERM=dumb are respected
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto)]
    pub(super) color: ColorWhen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find what hurts, propose indexes, write migrations
    Analyze(Box<AnalyzeArguments>),
    /// Write everything that an analysis needs into a file, to be analysed on another machine
    Snapshot(SnapshotArguments),
    /// Prove after the deploy that the indexes exist, are valid, and are used, and that statistics objects are filled
    Verify(VerifyArguments),
    /// Show the whole job on a private server with a small shop
    Demo(DemoArguments),
    /// List the rules
    Rules,
    /// Explain a rule
    Explain(ExplainArguments),
}

/// What to read.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// Connection URL, key=value string or snapshot file; default $DATABASE_URL, then libpq's PG* variables
    pub(super) source: Option<String>,
}

/// Where to connect.
#[derive(Debug, Args)]
pub(super) struct ServerArguments {
    /// Connection URL or key=value string; default $DATABASE_URL, then libpq's PG* variables
    pub(super) source: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AnalyzeArguments {
    #[command(flatten)]
    pub(super) source: SourceArguments,
    /// A standby, whose scans and statements are counted too (may be repeated): unused indexes are dropped only when all
    /// nodes are known
    #[arg(long, value_name = "URL")]
    pub(super) replica: Vec<String>,
    /// SQL files or folders as the workload, beside pg_stat_statements; `-- calls: N` before a statement weighs it
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) workload: Vec<PathBuf>,
    /// Take the workload from --workload alone, without pg_stat_statements
    #[arg(long, requires = "workload")]
    pub(super) only_workload: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Write the report to FILE instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Folder for the migrations
    #[arg(long, value_name = "DIR", default_value = "migrations_out")]
    pub(super) out: PathBuf,
    /// Write no migrations
    #[arg(long)]
    pub(super) no_emit: bool,
    /// Most bytes of new indexes: `2GB`, or `20%` of the bytes of the tables
    #[arg(long, value_name = "SIZE")]
    pub(super) budget: Option<String>,
    /// Most questions to the planner; default 500 and 50 for each statement, 20000 in all
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) effort: Option<u64>,
    /// What a statement counts; default time where it is measured, else cost
    #[arg(long, value_enum)]
    pub(super) weigh: Option<WeighBy>,
    /// What prices an index that does not exist
    #[arg(long, value_enum, default_value_t = WhatIf::Auto)]
    pub(super) what_if: WhatIf,
    /// Folder of the PostgreSQL server's programs (initdb, postgres) for the shadow; default the best that is found
    #[arg(long, value_name = "DIR")]
    pub(super) pg_bindir: Option<PathBuf>,
    /// A database to build candidates in for `--what-if sandbox`: a copy of the analysed one, never itself
    #[arg(long, value_name = "URL")]
    pub(super) sandbox: Option<String>,
    /// Leave out statements with fewer calls
    #[arg(long, value_name = "N", default_value_t = 0.0, hide_default_value = true)]
    pub(super) min_calls: f64,
    /// Leave out statements with a lower mean execution time, in ms
    #[arg(long, value_name = "MS", default_value_t = 0.0, hide_default_value = true)]
    pub(super) min_mean_ms: f64,
    /// Propose only for these tables (`name` or `schema.name`; may be repeated)
    #[arg(long, value_name = "TABLE")]
    pub(super) include: Vec<String>,
    /// Propose nothing for these tables
    #[arg(long, value_name = "TABLE")]
    pub(super) exclude: Vec<String>,
    /// Propose only for tables of these schemas
    #[arg(long, value_name = "SCHEMA")]
    pub(super) schema: Vec<String>,
    /// Run only these rules
    #[arg(long, value_name = "RULE")]
    pub(super) rule: Vec<String>,
    /// Do not run these rules
    #[arg(long, value_name = "RULE")]
    pub(super) no_rule: Vec<String>,
    /// Set a threshold of the rules: min_stats_age_days, unused_index_min_bytes, min_table_rows, n_plus_one_min_calls
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) threshold: Vec<String>,
    /// Exit with 1 when there is a finding of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(super) fail_on: Option<FailOn>,
}

#[derive(Debug, Args)]
pub(super) struct SnapshotArguments {
    #[command(flatten)]
    pub(super) source: SourceArguments,
    /// The file to write, readable by you only; compressed where its name ends in .gz; `-` for stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// A standby, whose scans and statements are counted too (may be repeated)
    #[arg(long, value_name = "URL")]
    pub(super) replica: Vec<String>,
    /// Leave out values of the database's data: most common values, histograms, literals (docs/snapshot.md)
    #[arg(long)]
    pub(super) redact: bool,
    /// Leave out how the server plans the statements
    #[arg(long)]
    pub(super) no_plans: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    pub(super) source: ServerArguments,
    /// The manifest to hold the database against; default the newest under migrations_out
    #[arg(long, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,
    /// Form of the verdict
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Write the verdict to FILE instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Folder of the PostgreSQL server's programs (initdb, postgres)
    #[arg(long, value_name = "DIR")]
    pub(super) pg_bindir: Option<PathBuf>,
    /// Folder for the migrations that the demo writes
    #[arg(long, value_name = "DIR", default_value = "migrations_out")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A rule's id, as `pgadvise rules` lists them
    pub(super) rule: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WeighBy {
    /// Measured total execution time
    Time,
    /// Planner cost × calls
    Cost,
    /// Calls
    Calls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WhatIf {
    /// The sandbox where one is named, else a shadow of the server's version, else HypoPG where the server has it
    Auto,
    /// A private PostgreSQL on this machine with the server's schema and statistics, and none of its rows
    Shadow,
    /// Hypothetical indexes of the HypoPG extension, its known faults corrected
    Hypopg,
    /// The same without corrections, to compare with tools that take HypoPG's costs as they are
    HypopgUncorrected,
    /// Indexes really built in the database that --sandbox names
    Sandbox,
    /// Costs estimated in process from plans and statistics: needs no server, and is not exact
    Estimate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Note,
    Warning,
    Error,
}
