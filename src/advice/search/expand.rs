//! Further plans of each statement: what it does when a candidate of its best plan is missing, and then when one of that
//! plan is. They tell what could stand in for what before the search begins. Chooses nothing.

use std::collections::BTreeSet;

use crate::error::Result;

use super::Limits;
use super::pricer::{Configuration, Pricer};

/// Statements that are looked at in one batch of questions.
const BATCH: usize = 48;

/// A plan whose candidates are left out in turn.
struct Open {
    place: usize,
    visible: Configuration,
    needs: Configuration,
    /// What it saves, less where its candidates do not fit the budget together.
    saved: f64,
}

/// The share of all questions that may be asked for the plans that come next.
const QUESTIONS_SHARE: f64 = 0.2;

/// The share of all questions that may be asked for what each candidate does alone, where a budget leaves room for few.
const ALONE_SHARE: f64 = 0.3;

/// Asks for further plans, those first where the most is to be saved within the budget. `asked` is what the plans start
/// from, by place.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn expand(pricer: &mut Pricer<'_>, asked: &[Configuration], limits: &Limits<'_>) -> Result<()> {
    pricer.fetch(asked.iter().cloned().enumerate())?;
    ask_alone(pricer, asked, limits)?;
    let mut open = Vec::new();
    let mut seen: BTreeSet<(usize, Configuration)> = BTreeSet::new();
    for (place, visible) in asked.iter().enumerate() {
        open.extend(look(pricer, place, visible.clone(), limits)?);
        seen.insert((place, visible.clone()));
    }
    let n_questions_max = (limits.n_calls_max as f64 * QUESTIONS_SHARE) as usize;
    let mut n_left = n_questions_max;
    while n_left > 0 && !open.is_empty() {
        open.sort_by(|a, b| {
            b.saved.total_cmp(&a.saved).then_with(|| (a.place, &a.visible).cmp(&(b.place, &b.visible)))
        });
        let rest = open.split_off(open.len().min(BATCH));
        let parents = std::mem::replace(&mut open, rest);
        let mut questions: Vec<(usize, Configuration)> = Vec::new();
        for parent in &parents {
            for id in &parent.needs {
                let mut visible = parent.visible.clone();
                visible.remove(id);
                if seen.insert((parent.place, visible.clone())) {
                    questions.push((parent.place, visible));
                }
            }
        }
        questions.truncate(n_left);
        n_left -= questions.len();
        pricer.fetch(questions.iter().cloned())?;
        for (place, visible) in questions {
            open.extend(look(pricer, place, visible, limits)?);
        }
    }
    Ok(())
}

/// Asks what each candidate does alone, if a budget is set and that takes few enough questions.
fn ask_alone(pricer: &mut Pricer<'_>, asked: &[Configuration], limits: &Limits<'_>) -> Result<()> {
    let alone = |(place, visible): (usize, &Configuration)| -> Vec<(usize, Configuration)> {
        visible.iter().map(|id| (place, Configuration::from([*id]))).collect()
    };
    let questions: Vec<(usize, Configuration)> = asked.iter().enumerate().flat_map(alone).collect();
    let is_few = questions.len() as f64 <= ALONE_SHARE * limits.n_calls_max as f64;
    if limits.budget.is_some() && is_few { pricer.fetch(questions) } else { Ok(()) }
}

/// The plan of a question, if it uses candidates and saves enough.
fn look(pricer: &mut Pricer<'_>, place: usize, visible: Configuration, limits: &Limits<'_>) -> Result<Option<Open>> {
    let before = pricer.cost(place, &Configuration::new())?;
    let weight = pricer.statements[place].weight;
    let Some(price) = pricer.price(place, &visible)? else { return Ok(None) };
    let saved = weight * (before - price.total_cost);
    let needs = price.used.clone();
    let is_open = saved >= limits.gain_min() && !needs.is_empty();
    Ok(is_open.then(|| Open { place, visible, saved: saved * limits.share_that_fits(&needs), needs }))
}
