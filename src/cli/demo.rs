//! `pgadvise demo`: the whole job on a private server, from the analysis to the verified deploy, with times before and after.

use std::fmt::Write as _;
use std::io::Write as _;

use jiff::Timestamp;
use tabled::builder::Builder;
use tabled::settings::{Alignment, Style as TableStyle, object::Columns};

use super::arguments::{DemoArguments, Global};
use super::ending;
use super::output;
use super::progress::Progress;
use crate::analysis::{Analysis, Request, Source, analyze, verify};
use crate::db::{Target, interrupt};
use crate::demo::{Demo, RECORDED, Timing};
use crate::emit::{self, Manifest};
use crate::error::{self, Error, Result};
use crate::report::{self, Report, SourceKind, Style};
use crate::server::Search;
use crate::whatif::{Backend, Choice};

pub(super) fn run(arguments: &DemoArguments, global: &Global) -> Result<u8> {
    let _said = ending::listen_for_signals()?;
    let search = Search::from_environment(arguments.pg_bindir.clone())?;
    let progress = Progress::start(global.quiet);
    progress.say("starting a private server");
    let demo = match Demo::start(&search, None) {
        Err(error) if arguments.pg_bindir.is_none() && search.all().is_empty() => {
            return without_server(arguments, &error, progress, global);
        }
        started => started?,
    };
    progress.say("loading the shop");
    demo.load()?;
    progress.say("running a minute of the shop's traffic");
    let before = demo.run_workload()?;
    interrupt::check()?;

    let request = request(&demo)?;
    let first = analyze(&request, &|what| progress.say(what))?;
    progress.say("writing and applying the migrations");
    let (manifest, folder) = write_migrations(&first, arguments)?;
    print_report(&first, SourceKind::Live, folder.as_ref())?;
    demo.apply(&first.ddl())?;
    let verification = verify(&Target::resolve(Some(&demo.url()))?, &manifest, &|what| progress.say(what))?;

    progress.say("running the same traffic again");
    let after = demo.run_workload()?;
    let second = analyze(&self::request(&demo)?, &|what| progress.say(what))?;
    progress.say("stopping the server");
    let server_version = demo.server_version();
    demo.stop()?;
    drop(progress);

    let manifest_path = folder.as_deref().unwrap_or(&arguments.out).join(emit::MANIFEST_FILE).display().to_string();
    let mut text = format!("\nAfter the deploy (PostgreSQL {server_version})\n\n");
    text.push_str(&report::verdict_text(&verification, &manifest_path, Style::of_stdout()));
    text.push_str(&times(&before, &after));
    text.push_str(&closing(&second));
    output::result(&text, None)?;
    Ok(verification.exit_code())
}

/// The shop's server, whose programs make the shadow, too.
fn request(demo: &Demo) -> Result<Request> {
    Ok(Request { pg_bindir: Some(demo.programs().to_owned()), ..Request::of(&demo.url())? })
}

/// What can be shown without any server: the analysis of a recorded snapshot, and what it writes.
fn without_server(arguments: &DemoArguments, missing: &Error, progress: Progress, global: &Global) -> Result<u8> {
    let mut file = tempfile::Builder::new()
        .suffix(".json.gz")
        .tempfile()
        .map_err(|error| Error::output(format!("could not make a temporary file: {}", error::reason(&error))))?;
    file.write_all(RECORDED)
        .map_err(|error| Error::output(format!("could not write a temporary file: {}", error::reason(&error))))?;
    let request = Request {
        what_if: Choice::Only(Backend::Estimate),
        ..Request::of_source(Source::Snapshot(file.path().to_owned()))
    };
    let analysis = analyze(&request, &|what| progress.say(what))?;
    drop(progress);
    let (_, folder) = write_migrations(&analysis, arguments)?;
    print_report(&analysis, SourceKind::Snapshot, folder.as_ref())?;
    let hint = missing.hint().unwrap_or_default();
    output::note(
        global.quiet,
        &format!(
            "{}: this was the analysis of a recorded shop, its costs estimated in process; nothing was deployed\nHINT:  {hint}",
            missing.message()
        ),
    );
    Ok(0)
}

fn write_migrations(analysis: &Analysis, arguments: &DemoArguments) -> Result<(Manifest, Option<std::path::PathBuf>)> {
    let bundle = analysis.bundle(Timestamp::now())?;
    let folder = emit::write(&bundle, &arguments.out)?;
    Ok((bundle.manifest, folder))
}

fn print_report(analysis: &Analysis, source_kind: SourceKind, folder: Option<&std::path::PathBuf>) -> Result<()> {
    let report = Report {
        generated_at: Timestamp::now(),
        source_kind,
        what_if: analysis.backend,
        shadow: analysis.agreement.as_ref(),
        workload: &analysis.workload,
        advice: &analysis.advice,
        answers: &analysis.answers,
        findings: &analysis.checked.findings,
        skipped: &analysis.checked.skipped,
        gaps: &analysis.gaps,
        elapsed_ms: 0.0,
        migrations: folder,
        is_verbose: false,
    };
    output::result(&report::text(&report, Style::of_stdout()), None)
}

/// Mean times of every statement of the shop before and after, those that were planted first.
fn times(before: &[Timing], after: &[Timing]) -> String {
    let mut rows: Vec<(&Timing, &Timing)> = before
        .iter()
        .filter_map(|timing| Some((timing, after.iter().find(|other| other.statement == timing.statement)?)))
        .collect();
    rows.sort_by(|a, b| b.0.is_planted.cmp(&a.0.is_planted).then(b.0.mean_ms.total_cmp(&a.0.mean_ms)));
    let mut table = Builder::default();
    table.push_record(["statement", "calls", "ms before", "ms after", "times faster"]);
    for (before, after) in rows {
        let mark = if before.is_planted { "*" } else { "" };
        table.push_record([
            format!("{}{mark}", before.statement),
            before.n_calls.to_string(),
            format!("{:.2}", before.mean_ms),
            format!("{:.2}", after.mean_ms),
            format!("{:.1}", before.mean_ms / after.mean_ms.max(0.001)),
        ]);
    }
    let mut table = table.build();
    table.with(TableStyle::blank()).modify(Columns::new(1..), Alignment::right());
    format!("\nMeasured times of a call, as the client sees them (* slow on purpose)\n\n{table}\n")
}

fn closing(second: &Analysis) -> String {
    let mut text = String::new();
    let steps: Vec<&str> = second.advice.steps.iter().map(|step| step.id.as_str()).collect();
    if steps.is_empty() {
        text.push_str("\nA second analysis proposes nothing more.\n");
    } else {
        let _ = writeln!(text, "\nA second analysis proposes: {}", steps.join(", "));
    }
    for finding in &second.checked.findings {
        let _ = writeln!(text, "Still there, for no index mends it: {}", crate::pg::text::one_line(&finding.message));
    }
    text.push_str("The private server is stopped and its files are removed.\n");
    text
}
