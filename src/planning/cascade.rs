//! One statement down the cascade: its own constants, values from statistics, type defaults where those are refused,
//! the generic plan, and for what the role may not write the SELECT that finds the rows. Sends through `server` only.

use std::collections::BTreeMap;

use super::pick::{Picked, Picker};
use super::reason;
use super::server::{Answer, Refusal, Server};
use super::substitute::{parameter_at, parameters, substitute};
use super::to_select::{RowReference, inserts_values, to_select};
use super::typed::{Typed, typed};
use super::variants::variants;
use crate::error::Result;
use crate::plan::{self, Plan};
use crate::sql::{self, ParameterUse};
use crate::workload::{ExplainForm, Planned, PlannedBy, Statement, Variant};

/// How often values are exchanged for others after the server refused them.
const REPLACEMENTS_MAX: usize = 12;

/// What came of one statement.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is planned.
    Planned(Box<Planned>),
    /// It cannot be planned, and reads nothing, so there is nothing to advise on: it inserts rows that it spells out, or
    /// calls a function that the role may not call.
    NothingToPlan,
    /// It cannot be planned, and why.
    Refused(Refused),
}

/// Why a statement cannot be planned.
#[derive(Debug)]
pub(super) struct Refused {
    /// In words for the report.
    pub(super) reason: String,
    /// Whether what the text names is not there, or the text is not whole.
    pub(super) contradicts_shape: bool,
}

/// What came of one statement, in the server's own words.
enum Answered {
    Planned(Box<Planned>),
    NothingToPlan,
    Refused(Refusal),
}

/// A text that was planned.
struct Explained {
    text: String,
    is_rewritten_to_select: bool,
    plan: Plan,
}

/// Plans one statement.
pub(super) fn plan_statement(server: &mut Server<'_>, statement: &Statement, picker: &Picker<'_>) -> Result<Outcome> {
    Ok(match plan_text(server, statement, picker)? {
        Answered::Planned(planned) => Outcome::Planned(planned),
        Answered::NothingToPlan => Outcome::NothingToPlan,
        // insufficient_privilege
        Answered::Refused(refusal) if refusal.code() == "42501" && reads_nothing(statement) => Outcome::NothingToPlan,
        Answered::Refused(refusal) => Outcome::Refused(Refused {
            reason: reason::of(&refusal, server),
            contradicts_shape: reason::contradicts_shape(&refusal),
        }),
    })
}

fn reads_nothing(statement: &Statement) -> bool {
    statement.shape.as_ref().is_some_and(|shape| shape.scans.is_empty())
}

fn plan_text(server: &mut Server<'_>, statement: &Statement, picker: &Picker<'_>) -> Result<Answered> {
    if let Err(reason) = sql::check_one_plannable(&statement.text) {
        return Ok(Answered::Refused(Refusal::Unreadable(reason)));
    }
    let typed = match typed(server, &statement.text, picker.catalog())? {
        Ok(typed) => typed,
        Err(refusal) => return plan_rows(server, statement, picker, refusal),
    };
    plan_typed(server, statement, picker, &typed)
}

/// Plans the SELECT that finds the rows of a statement whose analysis already waits for a lock: what UPDATE takes
/// conflicts with a CREATE INDEX that is running, what SELECT takes does not.
fn plan_rows(
    server: &mut Server<'_>,
    statement: &Statement,
    picker: &Picker<'_>,
    refusal: Refusal,
) -> Result<Answered> {
    if forbids_writing(&refusal) && inserts_values(&statement.text) {
        return Ok(Answered::NothingToPlan);
    }
    let select = Some(&statement.text).filter(|_| forbids_writing(&refusal));
    let Some(select) = select.and_then(|text| to_select(text, RowReference::Whole)) else {
        return Ok(Answered::Refused(refusal));
    };
    let Ok(typed) = typed(server, &select, picker.catalog())? else { return Ok(Answered::Refused(refusal)) };
    Ok(match plan_typed(server, statement, picker, &typed)? {
        Answered::Planned(planned) => Answered::Planned(Box::new(Planned { is_rewritten_to_select: true, ..*planned })),
        _ => Answered::Refused(refusal),
    })
}

/// Plans a text whose parameters have types.
fn plan_typed(server: &mut Server<'_>, statement: &Statement, picker: &Picker<'_>, typed: &Typed) -> Result<Answered> {
    if typed.types.is_empty() {
        let explained = explain(server, &typed.text, ExplainForm::Plain)?;
        return Ok(answered(explained, ExplainForm::Plain, PlannedBy::Constants, &typed.text));
    }
    let uses = uses(server, typed, picker)?;
    let mut values = picker.values(typed, &uses, statement);
    if let Ok((explained, form, by)) = explain_with_values(server, typed, &mut values)? {
        let others = if form == ExplainForm::Plain { variants(picker, typed, &uses, &values) } else { Vec::new() };
        let others = like(&explained, &with_values(typed, &values), others);
        return Ok(match answered(Ok(explained), form, by, &typed.text) {
            Answered::Planned(planned) => Answered::Planned(Box::new(Planned { variants: others, ..*planned })),
            other => other,
        });
    }
    let generic = explain(server, &typed.text, ExplainForm::Generic)?;
    Ok(answered(generic, ExplainForm::Generic, PlannedBy::Generic, &typed.text))
}

/// Where the parameters stand: by the text, and where that is beyond the parser by the quals of its generic plan.
fn uses(server: &mut Server<'_>, typed: &Typed, picker: &Picker<'_>) -> Result<BTreeMap<u32, ParameterUse>> {
    if let Ok(uses) = sql::parameters(&typed.text, picker.catalog()) {
        return Ok(uses.into_iter().map(|parameter| (parameter.number, parameter)).collect());
    }
    let plan = server.plan(&typed.text, ExplainForm::Generic)?;
    Ok(plan.map(|plan| plan::parameters(&plan, picker.catalog())).unwrap_or_default())
}

/// The variants as the statement itself, `own`, was planned: where only the SELECT that finds its rows could be, theirs.
fn like(explained: &Explained, own: &str, variants: Vec<Variant>) -> Vec<Variant> {
    if !explained.is_rewritten_to_select {
        return variants;
    }
    let select = |text: &str, row| to_select(text, row).map(|select| substitute(&select, &BTreeMap::new()));
    let mut rows = [RowReference::Ctid, RowReference::Whole].into_iter();
    let Some(row) = rows.find(|row| select(own, *row).as_deref() == Some(&explained.text)) else { return Vec::new() };
    let rewritten = variants.into_iter().filter_map(|variant| {
        // A generic plan needs its parameters numbered as they were.
        let text = to_select(&variant.text, row).map(|select| substitute(&select, &BTreeMap::new()))?;
        Some(Variant { text, ..variant })
    });
    rewritten.collect()
}

/// The text with its values.
fn with_values(typed: &Typed, values: &BTreeMap<u32, Picked>) -> String {
    let sql = values.iter().map(|(number, value)| (*number, value.sql().to_owned())).collect();
    substitute(&typed.text, &sql)
}

fn answered(explained: Answer<Explained>, form: ExplainForm, by: PlannedBy, text: &str) -> Answered {
    match explained {
        Ok(Explained { text, is_rewritten_to_select, plan }) => {
            Answered::Planned(Box::new(Planned { text, form, by, is_rewritten_to_select, plan, variants: Vec::new() }))
        }
        Err(_) if inserts_values(text) => Answered::NothingToPlan,
        Err(refusal) => Answered::Refused(refusal),
    }
}

/// Plans with values in the place of parameters, exchanging those that the server refuses. Parameters for which there
/// is none remain, and the plan is a generic one.
fn explain_with_values(
    server: &mut Server<'_>,
    typed: &Typed,
    values: &mut BTreeMap<u32, Picked>,
) -> Result<Answer<(Explained, ExplainForm, PlannedBy)>> {
    let mut n_replacements = 0;
    loop {
        let sql: BTreeMap<u32, String> =
            values.iter().map(|(number, value)| (*number, value.sql().to_owned())).collect();
        let text = substitute(&typed.text, &sql);
        let (form, by) = match parameters(&text).is_empty() {
            true => (ExplainForm::Plain, PlannedBy::Statistics),
            false => (ExplainForm::Generic, PlannedBy::Generic),
        };
        let refusal = match explain(server, &text, form)? {
            Ok(explained) => return Ok(Ok((explained, form, by))),
            Err(refusal) => refusal,
        };
        n_replacements += 1;
        let Refusal::Server(refused) = &refusal else { return Ok(Err(refusal)) };
        // Class 22, data exception: the value, not the statement, is at fault.
        if !refused.code.starts_with("22") || n_replacements > REPLACEMENTS_MAX {
            return Ok(Err(refusal));
        }
        let culprit = refused.position.and_then(|position| parameter_at(&typed.text, &sql, position));
        if !Picker::replace(values, culprit) {
            return Ok(Err(refusal));
        }
    }
}

/// Plans `text`, or where the role or a lock forbids planning a write, the SELECT that finds its rows.
fn explain(server: &mut Server<'_>, text: &str, form: ExplainForm) -> Result<Answer<Explained>> {
    let refusal = match server.plan(text, form)? {
        Ok(plan) => return Ok(Ok(Explained { text: text.to_owned(), is_rewritten_to_select: false, plan })),
        Err(refusal) => refusal,
    };
    if !forbids_writing(&refusal) || inserts_values(text) {
        return Ok(Err(refusal));
    }
    for row in [RowReference::Ctid, RowReference::Whole] {
        let Some(select) = to_select(text, row) else { break };
        let select = substitute(&select, &BTreeMap::new());
        match server.plan(&select, form)? {
            Ok(plan) => return Ok(Ok(Explained { text: select, is_rewritten_to_select: true, plan })),
            // undefined_column: a view has no ctid.
            Err(next) if next.code() == "42703" => {}
            Err(_) => break,
        }
    }
    Ok(Err(refusal))
}

/// Whether a missing privilege or someone's lock forbids what writing or locking rows needs, but perhaps not reading
/// them. A standby forbids neither: its locks go up to the one that UPDATE takes.
fn forbids_writing(refusal: &Refusal) -> bool {
    // insufficient_privilege, lock_not_available
    matches!(refusal.code(), "42501" | "55P03")
}
