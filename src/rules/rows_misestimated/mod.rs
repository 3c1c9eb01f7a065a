//! Rule `rows_misestimated`.

mod misestimate;

pub use misestimate::{Counted, Misestimate, Misestimated, misestimated};

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};

declare_rule! {
    /// Calls return ten times more rows, or ten times fewer groups, than the planner can expect of independent columns.
    ///
    /// ## Why it hurts
    /// The planner multiplies the selectivities of conditions on several columns, as if a town said nothing of its
    /// postcode. Where it does, the estimate is far too low, and what is planned on it is planned for few rows: nested
    /// loops, bitmaps, sorts in too little memory. Of groups over several columns it expects far too many.
    ///
    /// ## When it is fine
    /// - The plan would be the same with the right number, because nothing is joined behind it. The shadow is told the right
    ///   number and asked: where every plan stays as it is, nothing is reported. The other what-if backends cannot be told.
    /// - A new index is proposed for every statement that shows it: then it is not reported.
    ///
    /// ## How it is known
    /// Nothing is executed and no value is read. Conditions: the mean of the rows that pg_stat_statements counted is
    /// held against the most rows that any values of the columns could find if the columns were independent, with the
    /// most common value of each. Groups: of a statement without conditions, the rows that were counted are the groups,
    /// and are held against the plan's. Statements with LIMIT, joins, or aggregates over conditions tell nothing.
    ///
    /// ## What to do
    /// CREATE STATISTICS on the columns, then ANALYZE: a short lock that does not block reads or writes, and one ANALYZE.
    /// It is not an index and costs writes nothing. It is proposed as a migration where the shadow shows a plan that is
    /// better than today's with the rows that there are. A list of the most common combinations (mcv) is asked for only
    /// where ANALYZE keeps all of them: once there is a list, what is not on it counts as rare. Where the combinations are
    /// more, and no column decides the other, no statistics object would help, and nothing is reported.
    ///
    /// ## References
    /// - [Extended Statistics](https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED)
    RowsMisestimated { id: "rows_misestimated", severity: Note, needs: [Plans, RowCounts] }
}

/// The count may be of a time when the relation was larger, or smaller.
const CONFIDENCE: f64 = 0.9;

impl Rule for RowsMisestimated {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        Ok(misestimated(subject).iter().filter_map(|found| report(subject, found)).collect())
    }
}

/// One finding for all that one statistics object is for: the heaviest statement speaks for the others.
fn report(subject: &Subject<'_>, found: &Misestimated<'_>) -> Option<Finding> {
    let heaviest = found.shown_by.first()?;
    let Misestimate { statement, n_counted, n_estimated, .. } = heaviest;
    let mut finding = Finding::new(&META, found.in_words())
        .on(found.relation, &heaviest.columns)
        .with("rows_counted", n_counted.round())
        .with("rows_estimated", *n_estimated)
        .with("n_calls", statement.n_calls);
    finding.confidence = CONFIDENCE;
    finding.fix = Some(format!("{}; {};", found.definition.create_sql(), found.definition.analyze_sql()));
    finding.queryids = found.shown_by.iter().map(|misestimate| misestimate.statement.queryid).collect();
    finding.queryids.sort();
    finding.impact = found.shown_by.iter().map(|misestimate| subject.impact(misestimate.statement)).sum();
    Some(finding)
}
