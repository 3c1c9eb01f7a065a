//! Further plans of each statement: what it does when a candidate of its best plan is missing, and then when one of that
//! plan is. They tell what could stand in for what before the search begins. Chooses nothing.

use std::collections::BTreeSet;

use crate::error::Result;

use super::pricer::{Configuration, Pricer};

/// Statements that are looked at in one batch of questions.
const BATCH: usize = 48;

/// A plan whose candidates are left out in turn.
struct Open {
    place: usize,
    visible: Configuration,
    needs: Configuration,
    saved: f64,
}

/// Asks up to `n_questions_max` questions, those first where the most is to be saved. `asked` is what the plans start
/// from, by place; plans that save less than `saved_min` are of no interest.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn expand(pricer: &mut Pricer<'_>, asked: &[Configuration], n_questions_max: usize, saved_min: f64) -> Result<()> {
    let mut open = Vec::new();
    let mut seen: BTreeSet<(usize, Configuration)> = BTreeSet::new();
    for (place, visible) in asked.iter().enumerate() {
        open.extend(look(pricer, place, visible.clone(), saved_min)?);
        seen.insert((place, visible.clone()));
    }
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
            open.extend(look(pricer, place, visible, saved_min)?);
        }
    }
    Ok(())
}

/// The plan of a question, if it uses candidates and saves enough.
fn look(pricer: &mut Pricer<'_>, place: usize, visible: Configuration, saved_min: f64) -> Result<Option<Open>> {
    let before = pricer.cost(place, &Configuration::new())?;
    let weight = pricer.statements[place].weight;
    let Some(price) = pricer.price(place, &visible)? else { return Ok(None) };
    let saved = weight * (before - price.total_cost);
    let needs = price.used.clone();
    Ok((saved >= saved_min && !needs.is_empty()).then_some(Open { place, visible, needs, saved }))
}
