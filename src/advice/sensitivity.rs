//! Whether an index helps every call of a statement or only some: what its variants (common, rare, no values) cost with
//! and without it. Chooses no values and no index; says nothing of a value but how frequent it is.

use crate::error::Result;
use crate::whatif::{Backend, CandidateId, Price};
use crate::workload::{VariantKind, VariantPlace, Workload};

use super::search::{Configuration, Pricer, is_noticeable, is_regression};
use super::step::{StatementGain, VariantGain};

/// Statements of a step whose variants are priced, those that gain most: each takes up to six plans.
const STATEMENTS_MAX: usize = 20;

/// Whether `backend` plans texts, and so can price others than those of the workload.
pub fn can_price_variants(backend: Backend) -> bool {
    backend != Backend::Estimate
}

/// Prices the variants of the statements that `id` serves, with all of `chosen` and without it, and notes them in
/// `gains`, which are in the order of what they gain. What the backend cannot plan is left out.
///
/// # Errors
/// When the backend is lost or the run was interrupted.
pub fn price_variants(
    workload: &Workload,
    pricer: &mut Pricer<'_>,
    chosen: &Configuration,
    id: CandidateId,
    gains: &mut [StatementGain],
) -> Result<()> {
    if !can_price_variants(pricer.planner().backend()) {
        return Ok(());
    }
    let mut without = chosen.clone();
    without.remove(&id);
    let all = workload.variants();
    for gain in gains.iter_mut().take(STATEMENTS_MAX) {
        let own: Vec<&VariantPlace<'_>> = all.iter().filter(|place| place.statement == gain.statement).collect();
        if own.is_empty() {
            continue;
        }
        let positions: Vec<usize> = own.iter().map(|place| place.position).collect();
        let before = pricer.prices_beside(gain.statement, &positions, &without)?;
        let after = pricer.prices_beside(gain.statement, &positions, chosen)?;
        let priced = own.iter().zip(before.into_iter().zip(after));
        gain.variants = priced.filter_map(|(place, (before, after))| variant(place, &before?, &after?, id)).collect();
    }
    Ok(())
}

fn variant(place: &VariantPlace<'_>, before: &Price, after: &Price, id: CandidateId) -> Option<VariantGain> {
    (before.total_cost.is_finite() && after.total_cost.is_finite()).then(|| VariantGain {
        kind: place.variant.kind,
        column: place.variant.column.clone(),
        share: place.variant.share,
        cost_before: before.total_cost,
        cost_after: after.total_cost,
        is_used: after.used.contains(&id),
        uses_no_index: after.used.is_empty() && after.used_existing.is_empty(),
    })
}

impl VariantGain {
    /// Whether the index saves enough to be noticed.
    fn is_helped(&self) -> bool {
        self.is_used && is_noticeable(self.cost_before, self.cost_after)
    }

    /// Whether the index makes it worse, and more than is tolerated.
    fn is_worse(&self) -> bool {
        is_regression(self.cost_before, self.cost_after)
    }
}

/// What a reviewer should know: each sentence once, however many statements it holds for.
pub fn cautions(gains: &[StatementGain]) -> Vec<String> {
    let mut cautions: Vec<String> = Vec::new();
    for variant in gains.iter().flat_map(|gain| &gain.variants) {
        let caution = if variant.is_worse() {
            Some(worse(variant))
        } else if variant.is_helped() {
            None
        } else {
            Some(not_helped(variant))
        };
        cautions.extend(caution.filter(|caution| !cautions.contains(caution)));
    }
    cautions
}

fn worse(variant: &VariantGain) -> String {
    let costs = format!("{:.0} -> {:.0}", variant.cost_before, variant.cost_after);
    match values(variant) {
        Some(values) => format!("makes a statement worse for {values}: cost {costs}"),
        None => format!("makes a statement worse that is planned without its values: cost {costs}"),
    }
}

fn not_helped(variant: &VariantGain) -> String {
    let share = share(variant);
    let outcome = outcome(variant);
    match (variant.kind, &variant.column) {
        (VariantKind::Common, Some(column)) => {
            format!("helps only rarer values of {column}: the most common one{share} {outcome}")
        }
        (VariantKind::Rare, Some(column)) => {
            format!("helps only more common values of {column}: a rare one{share} {outcome}")
        }
        _ => {
            format!(
                "helps only calls that are planned with their values: one by the generic plan of a prepared statement {outcome}"
            )
        }
    }
}

/// What becomes of a call that is not helped.
fn outcome(variant: &VariantGain) -> String {
    let percent = 100.0 * (1.0 - variant.cost_after / variant.cost_before);
    if variant.is_used && percent >= 1.0 {
        format!("gains {percent:.0} %")
    } else if variant.uses_no_index {
        "is read by a sequential scan either way".to_owned()
    } else {
        "is planned as before either way".to_owned()
    }
}

fn values(variant: &VariantGain) -> Option<String> {
    let column = variant.column.as_ref()?;
    let which = if variant.kind == VariantKind::Common { "the most common value" } else { "rare values" };
    Some(format!("{which} of {column}{}", share(variant)))
}

/// ` (38 % of the rows)`; nothing where that would read 0 %.
fn share(variant: &VariantGain) -> String {
    let percent = variant.share.unwrap_or(0.0) * 100.0;
    if percent >= 1.0 { format!(" ({percent:.0} % of the rows)") } else { String::new() }
}

/// Whether calls lose by the index when they ask for values as often as these occur: then the most common value becomes
/// worse by more than all others gain. Costs × calls.
pub fn is_loss(gains: &[StatementGain]) -> bool {
    let has_worse = gains.iter().any(|gain| gain.variants.iter().any(VariantGain::is_worse));
    let expected: f64 = gains.iter().map(|gain| expected_gain(gain) * gain.n_calls).sum();
    has_worse && expected <= 0.0
}

/// The gain of one call: the most common value by its share of the rows, what the statement is planned with otherwise.
fn expected_gain(gain: &StatementGain) -> f64 {
    let typical = gain.cost_before - gain.cost_after;
    let common = gain.variants.iter().find(|variant| variant.kind == VariantKind::Common);
    common.map_or(typical, |variant| {
        let share = variant.share.unwrap_or(0.0);
        share * (variant.cost_before - variant.cost_after) + (1.0 - share) * typical
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::QueryId;

    fn of(kind: VariantKind, share: Option<f64>, cost_before: f64, cost_after: f64) -> VariantGain {
        VariantGain {
            kind,
            column: share.map(|_| "status".to_owned()),
            share,
            cost_before,
            cost_after,
            is_used: cost_after < cost_before,
            uses_no_index: cost_after == cost_before,
        }
    }

    fn gain(variants: Vec<VariantGain>) -> StatementGain {
        StatementGain {
            statement: 0,
            queryid: QueryId(1),
            n_calls: 10.0,
            exec_ms_total: None,
            cost_before: 1000.0,
            cost_after: 10.0,
            variants,
        }
    }

    #[test]
    fn what_helps_only_some_values_is_said_once() {
        let one = || {
            gain(vec![
                of(VariantKind::Common, Some(0.38), 1000.0, 1000.0),
                of(VariantKind::Rare, Some(0.001), 1000.0, 8.0),
                of(VariantKind::Generic, None, 900.0, 40.0),
            ])
        };
        assert_eq!(
            cautions(&[one(), one()]),
            [
                "helps only rarer values of status: the most common one (38 % of the rows) is read by a sequential scan either way"
            ]
        );
        assert!(cautions(&[gain(vec![of(VariantKind::Generic, None, 900.0, 900.0)])])[0].contains("generic plan"));
        let common = gain(vec![of(VariantKind::Rare, Some(0.001), 100.0, 91.0)]);
        assert_eq!(cautions(&[common]), ["helps only more common values of status: a rare one gains 9 %"]);
        assert!(cautions(&[gain(vec![of(VariantKind::Common, Some(0.4), 1000.0, 300.0)])]).is_empty());
    }

    #[test]
    fn a_common_value_that_becomes_worse_weighs_by_its_share() {
        let with = |share, after| [gain(vec![of(VariantKind::Common, Some(share), 1000.0, after)])];
        assert!(!is_loss(&with(0.3, 1500.0)), "a third of the calls loses half of what the others gain");
        assert!(
            cautions(&with(0.3, 1500.0))[0].starts_with("makes a statement worse for the most common value of status")
        );
        assert!(is_loss(&with(0.9, 1500.0)));
        assert!(!is_loss(&with(0.9, 1000.0)), "nothing becomes worse");
    }
}
