//! Questions as messages of about fifty EXPLAINs, and the server's answers to them. Creates no index and starts nothing.
//!
//! Every text was accepted by the planner as one statement before (`planning` sends it through the extended protocol),
//! so that it stays one statement here, where the simple protocol would run two.

use crate::db::WritableSession;
use crate::error::{Error, Result};
use crate::pg::{Oid, quote_identifier};
use crate::plan::{self, Plan};
use crate::sql;
use crate::workload::{ExplainForm, Planned};

/// EXPLAINs in one message: beyond about fifty, a longer message saves nothing more (0.1 ms a plan against 0.3 ms with
/// a round trip for each, measured on 15).
const EXPLAINS_MAX: usize = 50;
/// `statement_timeout` of one EXPLAIN.
const STATEMENT_TIMEOUT_MS: u32 = 5_000;
/// The first version whose EXPLAIN has GENERIC_PLAN.
const GENERIC_PLAN_SINCE: u32 = 16;
/// The name of a statement that is prepared for its generic plan.
const PREPARED: &str = "pgadvise_generic";

/// How the application's session is.
#[derive(Debug, Clone)]
pub(super) struct Circumstances {
    /// Its search path, as SQL.
    pub search_path: String,
    /// The role whose row level security decides about plans; `None` where there is none.
    pub role: Option<String>,
}

/// One statement to be planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    /// Where its answer goes.
    pub position: usize,
    /// How it is planned.
    pub planned: &'q Planned,
}

/// Questions that are asked while the same indexes are visible.
#[derive(Debug)]
pub(super) struct Group<'q> {
    /// Indexes that are invalid in the catalog and count in this group.
    pub shown: Vec<Oid>,
    /// Indexes that are valid in the catalog and do not count in this group.
    pub hidden: Vec<Oid>,
    /// Settings that hold in this group alone, each as `name = value`.
    pub settings: Vec<&'static str>,
    /// The questions.
    pub questions: Vec<Question<'q>>,
}

/// The plan, or why there is none.
pub(super) type Answer = std::result::Result<Plan, String>;

/// What one statement of a message is there for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Purpose {
    /// Begins or ends a transaction, toggles indexes.
    Frame,
    /// Makes this question ready.
    Preparation(usize),
    /// Answers this question.
    Answer(usize),
}

/// Answers all questions of `groups`: each position with its plan or the server's refusal, values left out.
///
/// # Errors
/// Only when the server is lost or the run was interrupted.
pub(super) fn answer(
    session: &mut WritableSession,
    circumstances: &Circumstances,
    groups: &[Group<'_>],
) -> Result<Vec<(usize, Answer)>> {
    let mut answers = Vec::new();
    let flat: Vec<(usize, Question<'_>)> = groups
        .iter()
        .enumerate()
        .flat_map(|(number, group)| group.questions.iter().map(move |question| (number, *question)))
        .collect();
    let major = session.server_version().major();
    let mut n_done = 0;
    while n_done < flat.len() {
        let piece = &flat[n_done..flat.len().min(n_done + EXPLAINS_MAX)];
        n_done +=
            answer_piece(session, &message(piece, groups, circumstances, major), &mut answers)?.unwrap_or(piece.len());
    }
    Ok(answers)
}

/// Sends one message; `None` when it was answered to its end, else how many questions were answered or refused.
fn answer_piece(
    session: &mut WritableSession,
    message: &[(Purpose, String)],
    answers: &mut Vec<(usize, Answer)>,
) -> Result<Option<usize>> {
    let statements: Vec<&str> = message.iter().map(|(_, statement)| statement.as_str()).collect();
    let batch = session.batch(&statements)?;
    let n_before = answers.len();
    for ((purpose, _), text) in message.iter().zip(&batch.answers) {
        if let Purpose::Answer(position) = purpose {
            answers.push((*position, plan::parse(text).map_err(|error| error.message().to_owned())));
        }
    }
    let Some(refused) = batch.refused else { return Ok(None) };
    session.batch(&["ROLLBACK"])?;
    match message.get(batch.answers.len()).map(|(purpose, _)| *purpose) {
        Some(Purpose::Answer(position) | Purpose::Preparation(position)) => {
            answers.push((position, Err(refused.message_without_values())));
            Ok(Some(answers.len() - n_before))
        }
        _ => Err(Error::internal(format!("the shadow server refused to toggle indexes: {}", refused.message))),
    }
}

/// The statements that ask the questions of `piece`, each with the number of its group.
fn message(
    piece: &[(usize, Question<'_>)],
    groups: &[Group<'_>],
    circumstances: &Circumstances,
    major: u32,
) -> Vec<(Purpose, String)> {
    let mut message = vec![(Purpose::Frame, "DEALLOCATE ALL".to_owned())];
    let mut open = None;
    for (number, question) in piece {
        if open != Some(*number) {
            if open.is_some() {
                message.push((Purpose::Frame, "ROLLBACK".to_owned()));
            }
            message.extend(beginning(&groups[*number], circumstances).into_iter().map(|sql| (Purpose::Frame, sql)));
            open = Some(*number);
        }
        push_question(&mut message, question, major);
    }
    message.push((Purpose::Frame, "ROLLBACK".to_owned()));
    message
}

/// The begin of a transaction that sees the indexes of `group`.
fn beginning(group: &Group<'_>, circumstances: &Circumstances) -> Vec<String> {
    let mut statements = vec![
        "BEGIN".to_owned(),
        format!("SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}"),
        format!("SET LOCAL search_path = {}", circumstances.search_path),
    ];
    statements.extend(group.settings.iter().map(|setting| format!("SET LOCAL {setting}")));
    statements.extend(toggle(group));
    statements.extend(circumstances.role.as_ref().map(|role| format!("SET LOCAL ROLE {}", quote_identifier(role))));
    statements
}

/// What shows and hides indexes in this transaction; nothing for none.
fn toggle(group: &Group<'_>) -> Option<String> {
    let array = |oids: &[Oid]| oids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let (shown, hidden) = (array(&group.shown), array(&group.hidden));
    let is_needed = !(shown.is_empty() && hidden.is_empty());
    is_needed.then(|| format!("SELECT pg_pgadvise.toggle('{{{shown}}}', '{{{hidden}}}')"))
}

fn push_question(message: &mut Vec<(Purpose, String)>, question: &Question<'_>, major: u32) {
    let Question { position, planned: Planned { text, form, .. } } = question;
    let (answer, preparation) = (Purpose::Answer(*position), Purpose::Preparation(*position));
    match form {
        ExplainForm::Plain => message.push((answer, format!("EXPLAIN (VERBOSE, FORMAT JSON) {text}"))),
        ExplainForm::Generic if major >= GENERIC_PLAN_SINCE => {
            message.push((answer, format!("EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {text}")));
        }
        ExplainForm::Generic => {
            let nulls = vec!["NULL"; sql::count_parameters(text) as usize].join(", ");
            let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
            message.extend([
                (preparation, "SET LOCAL plan_cache_mode = force_generic_plan".to_owned()),
                (preparation, format!("PREPARE {PREPARED} AS {text}")),
                (answer, format!("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE {PREPARED}{arguments}")),
                (Purpose::Frame, format!("DEALLOCATE {PREPARED}")),
            ]);
        }
    }
}
