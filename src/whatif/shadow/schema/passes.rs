//! Sends steps in large messages, and those that were refused again and again until none of them makes progress: an
//! order by kind is nearly right, and whatever it gets wrong (a function over a row type, a view over a function) is
//! right in the next pass.

use super::step::{Hand, Step};
use crate::db::WritableSession;
use crate::error::Result;
use crate::snapshot::Gap;

/// Steps in one message, at most.
const STEPS_MAX: usize = 100;
/// Steps in one message after a refusal, at least: those before it are sent twice.
const STEPS_MIN: usize = 8;
/// The SQLSTATE of a syntax error, for which the server refuses a whole message before it does anything.
const SYNTAX_ERROR: &str = "42601";

/// The sessions that steps are sent through, both in the same database.
pub(super) struct Hands<'s> {
    /// Changes catalogs and makes what only a superuser may.
    pub superuser: &'s mut WritableSession,
    /// Makes everything else.
    pub planner: &'s mut WritableSession,
}

impl Hands<'_> {
    fn session(&mut self, hand: Hand) -> &mut WritableSession {
        match hand {
            Hand::Planner => self.planner,
            Hand::Superuser => self.superuser,
        }
    }
}

/// Makes what `steps` describe, and returns what could not be made or only in part.
///
/// # Errors
/// Only when the session is lost.
pub(super) fn make(hands: &mut Hands<'_>, steps: Vec<Step>) -> Result<Vec<Gap>> {
    let mut gaps = Vec::new();
    let mut pending = steps;
    while !pending.is_empty() {
        let n_before = pending.len();
        pending = pass(hands, pending, &mut gaps)?;
        if pending.len() == n_before && !try_another(&mut pending) {
            break;
        }
    }
    gaps.extend(pending.iter().map(Step::failure));
    Ok(gaps)
}

/// Lets the steps of the first kind that has something else to try go on to that; steps of later kinds may be waiting for
/// just those.
fn try_another(pending: &mut [Step]) -> bool {
    let Some(kind) = pending.iter().find(|step| step.has_another()).map(|step| step.kind) else { return false };
    for step in pending.iter_mut().filter(|step| step.kind == kind && step.has_another()) {
        step.try_another();
    }
    true
}

/// Sends every step once, and returns those that were refused.
fn pass(hands: &mut Hands<'_>, mut steps: Vec<Step>, gaps: &mut Vec<Gap>) -> Result<Vec<Step>> {
    let mut is_refused = vec![false; steps.len()];
    let (mut next, mut n_steps) = (0, STEPS_MAX);
    // Where the last refusal was: what comes before it is sent again, alone.
    let mut known_refusal = None;
    while next < steps.len() {
        if known_refusal == Some(next) {
            is_refused[next] = true;
            known_refusal = None;
            next += 1;
            continue;
        }
        let hand = steps[next].hand;
        let end = known_refusal.unwrap_or(steps.len()).min(next + n_steps);
        let end = (next..end).find(|at| steps[*at].hand != hand).unwrap_or(end);
        let statements: Vec<&String> = steps[next..end].iter().flat_map(Step::statements).collect();
        let batch = hands.session(hand).batch(&statements)?;
        let Some(refused) = batch.refused else {
            next = end;
            n_steps = (n_steps * 2).min(STEPS_MAX);
            continue;
        };
        if refused.code == SYNTAX_ERROR && batch.answers.is_empty() && end - next > 1 {
            n_steps = (end - next) / 2;
            known_refusal = None;
            continue;
        }
        let at = next + step_of_statement(&steps[next..end], batch.answers.len());
        steps[at].refused(refused.message_without_values());
        known_refusal = Some(at);
        n_steps = (n_steps / 2).max(STEPS_MIN);
    }
    let mut left = Vec::new();
    for (step, is_refused) in steps.into_iter().zip(is_refused) {
        if is_refused { left.push(step) } else { gaps.extend(step.loss()) }
    }
    Ok(left)
}

/// Which of `steps` the statement at `position` of all of them belongs to.
fn step_of_statement(steps: &[Step], position: usize) -> usize {
    let mut n_statements = 0;
    let found = steps.iter().position(|step| {
        n_statements += step.statements().len();
        position < n_statements
    });
    found.unwrap_or(steps.len().saturating_sub(1))
}
