//! `pgadvise analyze`: one analysis, its report, its migrations.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::arguments::{AnalyzeArguments, FailOn, Format, Global, WeighBy, WhatIf};
use super::ending;
use super::output;
use super::progress::Progress;
use super::source;
use crate::analysis::{Analysis, Budget, Request, Source, analyze};
use crate::emit;
use crate::error::{Error, Result};
use crate::report::{self, Report, SourceKind, Style};
use crate::rules::{Selection, Severity, Thresholds};
use crate::whatif::{self, Backend, Choice};
use crate::workload::Weigh;

pub(super) fn run(arguments: &AnalyzeArguments, global: &Global) -> Result<u8> {
    let started_at = Instant::now();
    let request = request(arguments)?;
    let _said = ending::listen_for_signals()?;
    let progress = Progress::start(global.quiet);
    let mut analysis = analyze(&request, &|what| progress.say(what))?;
    drop(progress);
    source::warn_if_unverified(&request.source, global);

    // A folder that cannot be written costs the migrations, not the report: it is printed first.
    let out = (!arguments.no_emit).then_some(arguments.out.as_path());
    let emitted = emit_migrations(&mut analysis, out);
    let migrations = emitted.as_ref().ok().and_then(Option::as_ref);
    let report = Report {
        generated_at: Timestamp::now(),
        source_kind: kind(&request),
        what_if: analysis.backend,
        shadow: analysis.agreement.as_ref(),
        workload: &analysis.workload,
        advice: &analysis.advice,
        answers: &analysis.answers,
        findings: &analysis.checked.findings,
        skipped: &analysis.checked.skipped,
        gaps: &analysis.gaps,
        elapsed_ms: started_at.elapsed().as_secs_f64() * 1000.0,
        migrations,
        is_verbose: global.verbose > 0,
    };
    let text = match arguments.format {
        Format::Json => report::json(&report)?,
        Format::Text => report::text(&report, style(arguments)),
    };
    output::result(&text, arguments.output.as_deref())?;
    emitted?;
    if let Some(error) = &analysis.no_backend {
        if arguments.what_if != WhatIf::Auto {
            return Err(error.clone());
        }
        output::note(global.quiet, &error.clone().while_doing("no index is proposed"));
    }
    Ok(u8::from(fails(arguments, &analysis)))
}

fn request(arguments: &AnalyzeArguments) -> Result<Request> {
    let mut thresholds = Thresholds::default();
    for assignment in &arguments.threshold {
        thresholds.set(assignment)?;
    }
    let selection = Selection { only: arguments.rule.clone(), except: arguments.no_rule.clone() };
    selection.validate()?;
    if arguments.what_if == WhatIf::Sandbox && arguments.sandbox.is_none() {
        return Err(whatif::no_sandbox());
    }
    let mut request = Request::of_source(source::resolve(&arguments.source)?);
    request.replicas = source::replicas(&request.source, &arguments.replica)?;
    request.workload_files.clone_from(&arguments.workload);
    request.without_statements = arguments.only_workload;
    request.weigh = arguments.weigh.map(|weigh| match weigh {
        WeighBy::Time => Weigh::Time,
        WeighBy::Cost => Weigh::Cost,
        WeighBy::Calls => Weigh::Calls,
    });
    request.what_if = match arguments.what_if {
        WhatIf::Auto => Choice::Auto,
        WhatIf::Shadow => Choice::Only(Backend::Shadow),
        WhatIf::Hypopg => Choice::Only(Backend::Hypopg),
        WhatIf::HypopgUncorrected => Choice::HypopgUncorrected,
        WhatIf::Sandbox => Choice::Only(Backend::Sandbox),
        WhatIf::Estimate => Choice::Only(Backend::Estimate),
    };
    request.sandbox.clone_from(&arguments.sandbox);
    request.pg_bindir.clone_from(&arguments.pg_bindir);
    request.n_calls_min = at_least_zero("--min-calls", arguments.min_calls)?;
    request.mean_ms_min = at_least_zero("--min-mean-ms", arguments.min_mean_ms)?;
    request.budget = arguments.budget.as_deref().map(budget).transpose()?;
    request.effort = arguments.effort;
    request.include.clone_from(&arguments.include);
    request.exclude.clone_from(&arguments.exclude);
    request.schemas.clone_from(&arguments.schema);
    request.selection = selection;
    request.thresholds = thresholds;
    Ok(request)
}

fn kind(request: &Request) -> SourceKind {
    match &request.source {
        Source::Snapshot(_) => SourceKind::Snapshot,
        Source::Server(_) if request.without_statements => SourceKind::Workload,
        Source::Server(_) => SourceKind::Live,
    }
}

fn at_least_zero(name: &str, number: f64) -> Result<f64> {
    if number.is_finite() && number >= 0.0 {
        return Ok(number);
    }
    Err(Error::usage(format!("{name} needs a number of at least 0, not \"{number}\""))
        .with_hint(format!("Leave {name} out to keep every statement.")))
}

fn budget(text: &str) -> Result<Budget> {
    Budget::parse(text).ok_or_else(|| {
        Error::usage(format!("\"{text}\" is no size"))
            .with_hint("Write --budget 2GB, --budget 500MB, or --budget 20% for a share of the bytes of the tables.")
    })
}

/// Writes the migrations to `out`; `None` when there is nothing to write or nowhere to write it. Steps that no file
/// can hold become gaps either way.
fn emit_migrations(analysis: &mut Analysis, out: Option<&Path>) -> Result<Option<PathBuf>> {
    let bundle = analysis.bundle(Timestamp::now())?;
    analysis.gaps.extend(bundle.gaps.iter().cloned());
    out.map_or(Ok(None), |out| emit::write(&bundle, out))
}

fn style(arguments: &AnalyzeArguments) -> Style {
    match arguments.output {
        Some(_) => Style::plain(100),
        None => Style::of_stdout(),
    }
}

fn fails(arguments: &AnalyzeArguments, analysis: &Analysis) -> bool {
    let Some(limit) = arguments.fail_on else { return false };
    let limit = match limit {
        FailOn::Note => Severity::Note,
        FailOn::Warning => Severity::Warning,
        FailOn::Error => Severity::Error,
    };
    analysis.checked.findings.iter().any(|finding| finding.severity >= limit)
}
