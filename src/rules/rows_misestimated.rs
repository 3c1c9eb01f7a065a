//! Rule `rows_misestimated`.

use std::collections::{BTreeMap, BTreeSet};

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};
use crate::pg::identifier::fit_identifier;
use crate::pg::{Oid, quote_identifier};
use crate::snapshot::{ColumnStatistics, Relation, RelationKind};
use crate::sql::{Comparison, Scan, StatementKind};
use crate::workload::{Planned, Statement};

declare_rule! {
    /// Calls return ten times more rows, or ten times fewer groups, than the planner can expect of independent columns.
    ///
    /// ## Why it hurts
    /// The planner multiplies the selectivities of conditions on several columns, as if a town said nothing of its
    /// postcode. Where it does, the estimate is far too low, and what is planned on it is planned for few rows: nested
    /// loops, bitmaps, sorts in too little memory. Of groups over several columns it expects far too many.
    ///
    /// ## When it is fine
    /// - The plan would be the same with the right number, because nothing is joined behind it. Whether it would is not
    ///   told here: this is a note.
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
    /// It is not an index and costs writes nothing.
    ///
    /// ## References
    /// - [Extended Statistics](https://www.postgresql.org/docs/current/planner-stats.html#PLANNER-STATS-EXTENDED)
    RowsMisestimated { id: "rows_misestimated", severity: Note, needs: [Plans, RowCounts] }
}

/// How far the count and the estimate must be apart: a factor of ten, below which join orders rarely change.
const RATIO_MIN: f64 = 10.0;

/// Rows of one call, or groups too many, below which no plan suffers.
const ROWS_MIN: f64 = 1_000.0;

/// What a value may be more frequent than the mean where ANALYZE lists no common values, or beyond those that it lists:
/// it leaves out values up to a quarter above the mean, in a sample.
const SLACK: f64 = 3.0;

/// The count may be of a time when the relation was larger, or smaller.
const CONFIDENCE: f64 = 0.9;

/// Columns that one statistics object can have (`STATS_MAX_DIMENSIONS`).
const COLUMNS_MAX: usize = 8;

impl Rule for RowsMisestimated {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let found = subject.workload.statements.iter().filter_map(|statement| inspect(subject, statement));
        let mut places: BTreeMap<(Oid, BTreeSet<String>), Vec<Misestimate<'_>>> = BTreeMap::new();
        for misestimate in found {
            let columns = misestimate.columns.iter().cloned().collect();
            places.entry((misestimate.relation.oid, columns)).or_default().push(misestimate);
        }
        Ok(places.into_values().filter_map(|together| report(subject, together)).collect())
    }
}

/// What was counted, and what the planner makes of it.
struct Misestimate<'w> {
    statement: &'w Statement,
    relation: &'w Relation,
    columns: Vec<String>,
    kinds: &'static [Kind],
    message: String,
    n_counted: f64,
    n_estimated: f64,
}

/// A kind of extended statistics, in the order in which the server lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Ndistinct,
    Dependencies,
    Mcv,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ndistinct => "ndistinct",
            Self::Dependencies => "dependencies",
            Self::Mcv => "mcv",
        }
    }

    /// `stxkind`
    fn code(self) -> char {
        match self {
            Self::Ndistinct => 'd',
            Self::Dependencies => 'f',
            Self::Mcv => 'm',
        }
    }
}

/// The misestimates of the same columns as one finding: the heaviest statement speaks for all, and one statistics object
/// is for all.
fn report(subject: &Subject<'_>, mut together: Vec<Misestimate<'_>>) -> Option<Finding> {
    let impact = |misestimate: &Misestimate<'_>| subject.impact(misestimate.statement);
    together
        .sort_by(|a, b| impact(b).total_cmp(&impact(a)).then_with(|| a.statement.queryid.cmp(&b.statement.queryid)));
    let kinds: BTreeSet<Kind> = together.iter().flat_map(|misestimate| misestimate.kinds).copied().collect();
    let heaviest = together.first()?;
    let mut finding = Finding::new(&META, heaviest.message.as_str())
        .on(heaviest.relation, &heaviest.columns)
        .with("rows_counted", heaviest.n_counted.round())
        .with("rows_estimated", heaviest.n_estimated)
        .with("n_calls", heaviest.statement.n_calls);
    finding.confidence = CONFIDENCE;
    finding.fix = Some(remedy(subject, heaviest, &kinds));
    finding.queryids = together.iter().map(|misestimate| misestimate.statement.queryid).collect();
    finding.queryids.sort();
    finding.impact = together.iter().map(impact).sum();
    Some(finding)
}

fn inspect<'w>(subject: &Subject<'w>, statement: &'w Statement) -> Option<Misestimate<'w>> {
    let planned = statement.planned.as_ref()?;
    let shape = statement.shape.as_ref()?;
    let [scan] = shape.scans.as_slice() else { return None };
    let relation = subject.catalog.relation(scan.relation)?;
    let is_plain =
        matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) && !relation.is_partition;
    let is_read = matches!(shape.kind, StatementKind::Select | StatementKind::Update | StatementKind::Delete);
    if !is_plain || !is_read || !relation.is_indexable() || scan.limit.is_some() || statement.n_calls <= 0.0 {
        return None;
    }
    let n_counted = statement.n_rows? / statement.n_calls;
    let seen = Seen { statement, relation, scan, planned, n_counted };
    let found = if scan.group.is_empty() { correlated(&seen)? } else { grouped(&seen)? };
    (!has_statistics(relation, &found.columns, found.kinds)).then_some(found)
}

/// A statement over one relation, with its plan and its count.
struct Seen<'w> {
    statement: &'w Statement,
    relation: &'w Relation,
    scan: &'w Scan,
    planned: &'w Planned,
    n_counted: f64,
}

/// A conjunction of equalities that finds more rows than independent columns could let any values find.
fn correlated<'w>(seen: &Seen<'w>) -> Option<Misestimate<'w>> {
    let Seen { statement, relation, scan, planned, n_counted } = *seen;
    if !scan.extremes.is_empty() || !returns_what_it_finds(planned) {
        return None;
    }
    let mut columns: Vec<String> = Vec::new();
    let equalities = scan.quals.iter().filter(|qual| qual.comparison == Comparison::Equal);
    for name in equalities.filter_map(|qual| qual.target.column()) {
        if !columns.iter().any(|column| column == name) {
            columns.push(name.to_owned());
        }
    }
    if !(2..=COLUMNS_MAX).contains(&columns.len()) {
        return None;
    }
    let activity = relation.activity.as_ref();
    let n_live = activity.map_or(0.0, |activity| activity.n_live_rows as f64);
    let n_stored = relation.n_rows?.max(n_live);
    let mut n_at_most = n_stored;
    for column in &columns {
        n_at_most *= largest_share(relation.column(column)?.best_statistics()?, n_stored);
    }
    let n_estimated = planned.plan.root.plan_rows;
    if n_counted < ROWS_MIN || n_counted < RATIO_MIN * n_at_most.max(n_estimated).max(1.0) {
        return None;
    }
    let message = format!(
        "calls find {n_counted:.0} rows by {}, {n_estimated:.0} are expected, and of independent columns no values could \
         find more than {:.0}",
        columns.join(", "),
        n_at_most.max(1.0)
    );
    let kinds = &[Kind::Dependencies, Kind::Mcv];
    Some(Misestimate { statement, relation, columns, kinds, message, n_counted, n_estimated })
}

/// Groups over several columns, fewer than the planner expects.
fn grouped<'w>(seen: &Seen<'w>) -> Option<Misestimate<'w>> {
    let Seen { statement, relation, scan, planned, n_counted } = *seen;
    let columns: Option<Vec<String>> = scan.group.iter().map(|key| key.column().map(str::to_owned)).collect();
    let columns = columns.filter(|columns| (2..=COLUMNS_MAX).contains(&columns.len()))?;
    let reads_all = scan.quals.is_empty() && scan.or_groups.is_empty() && scan.row_comparisons.is_empty();
    if !reads_all || scan.n_other_quals > 0 {
        return None;
    }
    let visits = planned.plan.visits();
    let grouping = visits
        .iter()
        .find(|visit| matches!(visit.node.node_type.as_str(), "Aggregate" | "Group" | "Unique"))
        .filter(|visit| visit.node.filter.is_none())?;
    let n_estimated = grouping.node.plan_rows;
    let is_whole = relation.n_rows.is_some_and(|n_rows| n_counted <= n_rows);
    if !is_whole || n_estimated - n_counted < ROWS_MIN || n_estimated < RATIO_MIN * n_counted.max(1.0) {
        return None;
    }
    let message =
        format!("calls return {n_counted:.0} groups by {}, {n_estimated:.0} are expected", columns.join(", "));
    let kinds = &[Kind::Ndistinct];
    Some(Misestimate { statement, relation, columns, kinds, message, n_counted, n_estimated })
}

/// Whether the rows that are returned, or changed, are those that the scan finds.
fn returns_what_it_finds(planned: &Planned) -> bool {
    let visits = planned.plan.visits();
    let passes = |kind: &str| {
        kind.ends_with("Scan")
            || matches!(
                kind,
                "Sort" | "Incremental Sort" | "Gather" | "Gather Merge" | "LockRows" | "ModifyTable" | "Result"
            )
            || kind.starts_with("Bitmap")
    };
    visits.iter().all(|visit| passes(&visit.node.node_type))
}

/// The most of a relation's rows that one value of a column can have.
fn largest_share(statistics: &ColumnStatistics, n_rows: f64) -> f64 {
    let common = &statistics.most_common_frequencies;
    let n_others = (statistics.distinct_values(n_rows) - common.len() as f64).max(1.0);
    let of_others = (1.0 - statistics.null_fraction - common.iter().sum::<f64>()).max(0.0);
    let mean_of_others = SLACK * of_others / n_others;
    common.iter().copied().fold(mean_of_others, f64::max).min(1.0)
}

/// Whether there is a statistics object over the columns already: if the estimate is still wrong, another will not help.
fn has_statistics(relation: &Relation, columns: &[String], kinds: &[Kind]) -> bool {
    relation.extended_statistics.iter().any(|statistics| {
        columns.iter().all(|column| statistics.columns.contains(column))
            && kinds.iter().any(|kind| statistics.kinds.contains(&kind.code()))
    })
}

/// What to run.
fn remedy(subject: &Subject<'_>, found: &Misestimate<'_>, kinds: &BTreeSet<Kind>) -> String {
    let relation = found.relation;
    let schema = &relation.name.schema;
    let stem = format!("{}_{}", relation.name.name, found.columns.join("_"));
    let names = subject.workload.snapshot.relations.iter().flat_map(|relation| &relation.extended_statistics);
    let taken: Vec<&str> =
        names.filter(|statistics| statistics.schema == *schema).map(|statistics| statistics.name.as_str()).collect();
    let mut name = fit_identifier(&stem, "_stats", &stem);
    let mut attempt = 0;
    while taken.contains(&name.as_str()) {
        attempt += 1;
        name = fit_identifier(&stem, &format!("_stats{attempt}"), &stem);
    }
    let columns: Vec<_> = found.columns.iter().map(|column| quote_identifier(column)).collect();
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    format!(
        "CREATE STATISTICS {}.{} ({}) ON {} FROM {}; ANALYZE {};",
        quote_identifier(schema),
        quote_identifier(&name),
        kinds.join(", "),
        columns.join(", "),
        relation.name,
        relation.name
    )
}
