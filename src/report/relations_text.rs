//! The part of the text report that says on which relations the gain is, and where more is possible.

use super::Report;
use super::text_style::Style;
use crate::advice::RelationCosts;
use crate::pg::number::{change, number};

/// How many relations are shown; the JSON report has all.
const RELATIONS_SHOWN_MAX: usize = 8;

/// The least share of what its statements cost that must be possible to gain for a relation to be shown.
const POSSIBLE_SHARE_MIN: f64 = 0.001;

/// The relations on which anything can be gained, where something is proposed and they are several: of one, the totals tell
/// all.
pub(super) fn relations(report: &Report<'_>, style: Style) -> String {
    let has_gain =
        |costs: &&RelationCosts| costs.cost_before - costs.cost_floor > POSSIBLE_SHARE_MIN * costs.cost_before;
    let shown: Vec<&RelationCosts> = report.advice.relations.iter().filter(has_gain).collect();
    let is_proposed = !report.advice.steps.is_empty() || !report.advice.statistics.is_empty();
    if !is_proposed || shown.len() < 2 {
        return String::new();
    }
    let rows = shown.iter().take(RELATIONS_SHOWN_MAX).map(|costs| row(costs)).collect();
    let header = ["relation", "statements", "cost", "after", "change", "reached"];
    let mut text = style.heading("By relation") + &style.table(&header, rows, &[1, 2, 3, 4, 5]);
    text += &style.paragraph(2, "reached: of what all candidates together would gain");
    if shown.len() > RELATIONS_SHOWN_MAX {
        let more = shown.len() - RELATIONS_SHOWN_MAX;
        text += &style.paragraph(2, &format!("and {more} more, see --format json"));
    }
    text
}

fn row(costs: &RelationCosts) -> Vec<String> {
    let RelationCosts { relation, n_statements, cost_before, cost_after, cost_floor } = costs;
    vec![
        relation.to_string(),
        n_statements.to_string(),
        number(*cost_before),
        number(*cost_after),
        change(*cost_before, *cost_after),
        share_reached(*cost_before, *cost_after, *cost_floor).unwrap_or_default(),
    ]
}

/// How much of what all candidates together would gain is gained, `97 %`; `None` where nothing can be, and where dropping an
/// index costs more than is gained. Rounded down: what is not all is not shown as all.
pub(super) fn share_reached(before: f64, after: f64, floor: f64) -> Option<String> {
    let possible = before - floor;
    (possible > 0.0 && after <= before).then(|| format!("{:.0} %", ((before - after) / possible * 100.0).floor()))
}
