//! Which statements show, by the rows that were counted, that columns are not independent, and the statistics object that
//! would tell the planner. Reports nothing, asks no planner.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::identifier::fit_identifier;
use crate::pg::{Oid, STATISTICS_COLUMNS_MAX, StatisticsDefinition, StatisticsKind};
use crate::rules::Subject;
use crate::snapshot::{ColumnStatistics, Relation, RelationKind};
use crate::sql::{Comparison, Scan, StatementKind};
use crate::workload::{Planned, Statement};

/// How far the count and the estimate must be apart: a factor of ten, below which join orders rarely change.
const RATIO_MIN: f64 = 10.0;

/// Rows of one call, or groups too many, below which no plan suffers.
const ROWS_MIN: f64 = 1_000.0;

/// What a value may be more frequent than the mean where ANALYZE lists no common values, or beyond those that it lists:
/// it leaves out values up to a quarter above the mean, in a sample.
const SLACK: f64 = 3.0;

/// The share of the rows that one column finds alone from which it decides the others: ANALYZE counts the groups of a value
/// in which another column has one value only.
const DECIDED_SHARE_MIN: f64 = 0.5;

/// Columns that are not independent, the statistics object that tells the planner, and the statements that show it.
#[derive(Debug, Clone)]
pub struct Misestimated<'w> {
    /// Their relation.
    pub relation: &'w Relation,
    /// The object; its name is free.
    pub definition: StatisticsDefinition,
    /// The statements, the heaviest first.
    pub shown_by: Vec<Misestimate<'w>>,
}

/// What was counted of a statement, and what the planner makes of it.
#[derive(Debug, Clone)]
pub struct Misestimate<'w> {
    /// The statement's position in the workload.
    pub position: usize,
    /// The statement. It reads no other relation.
    pub statement: &'w Statement,
    /// Its relation.
    pub relation: &'w Relation,
    /// The columns, as the statement names them.
    pub columns: Vec<String>,
    /// What was counted.
    pub counted: Counted,
    /// The kinds of statistics that tell the planner.
    pub kinds: &'static [StatisticsKind],
    /// The mean per call.
    pub n_counted: f64,
    /// What the planner expects.
    pub n_estimated: f64,
}

/// What the rows of a statement are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Counted {
    /// Those that a conjunction of equalities finds, and the most that any values could find of independent columns.
    Found {
        /// That most.
        n_at_most: f64,
    },
    /// The groups of a whole relation.
    Groups,
}

impl Misestimate<'_> {
    /// What is wrong, in one sentence.
    pub fn in_words(&self) -> String {
        let Self { n_counted, n_estimated, .. } = self;
        let columns = self.columns.join(", ");
        match self.counted {
            Counted::Found { n_at_most } => format!(
                "calls find {n_counted:.0} rows by {columns}, {n_estimated:.0} are expected, and of independent columns no \
                 values could find more than {:.0}",
                n_at_most.max(1.0)
            ),
            Counted::Groups => {
                format!("calls return {n_counted:.0} groups by {columns}, {n_estimated:.0} are expected")
            }
        }
    }
}

impl Misestimated<'_> {
    /// What is wrong, in one sentence: by the heaviest statement.
    pub fn in_words(&self) -> String {
        self.shown_by.first().map(Misestimate::in_words).unwrap_or_default()
    }
}

/// Everything of the kind in a workload, by relation and columns. One object is for all statements about the same columns.
pub fn misestimated<'w>(subject: &Subject<'w>) -> Vec<Misestimated<'w>> {
    let statements = subject.workload.statements.iter().enumerate();
    let found = statements.filter_map(|(position, statement)| inspect(subject, position, statement));
    let mut places: BTreeMap<(Oid, BTreeSet<String>), Vec<Misestimate<'w>>> = BTreeMap::new();
    for misestimate in found {
        let columns = misestimate.columns.iter().cloned().collect();
        places.entry((misestimate.relation.oid, columns)).or_default().push(misestimate);
    }
    let mut taken = taken_names(subject);
    places.into_values().filter_map(|shown_by| together(subject, shown_by, &mut taken)).collect()
}

fn together<'w>(
    subject: &Subject<'w>,
    mut shown_by: Vec<Misestimate<'w>>,
    taken: &mut BTreeSet<(String, String)>,
) -> Option<Misestimated<'w>> {
    let impact = |misestimate: &Misestimate<'_>| subject.impact(misestimate.statement);
    shown_by
        .sort_by(|a, b| impact(b).total_cmp(&impact(a)).then_with(|| a.statement.queryid.cmp(&b.statement.queryid)));
    let kinds: BTreeSet<StatisticsKind> = shown_by.iter().flat_map(|misestimate| misestimate.kinds).copied().collect();
    let (relation, columns) = shown_by.first().map(|heaviest| (heaviest.relation, heaviest.columns.clone()))?;
    let definition = StatisticsDefinition {
        name: free_name(relation, &columns, taken),
        relation: relation.name.clone(),
        columns,
        kinds: kinds.into_iter().collect(),
    };
    Some(Misestimated { relation, definition, shown_by })
}

/// Schema and name of every statistics object that there is.
fn taken_names(subject: &Subject<'_>) -> BTreeSet<(String, String)> {
    let objects = subject.workload.snapshot.relations.iter().flat_map(|relation| &relation.extended_statistics);
    objects.map(|object| (object.schema.clone(), object.name.clone())).collect()
}

/// A name that no object of the relation's schema has, which is taken from then on.
fn free_name(relation: &Relation, columns: &[String], taken: &mut BTreeSet<(String, String)>) -> String {
    let stem = format!("{}_{}", relation.name.name, columns.join("_"));
    let mut name = fit_identifier(&stem, "_stats", &stem);
    let mut attempt = 0;
    while !taken.insert((relation.name.schema.clone(), name.clone())) {
        attempt += 1;
        name = fit_identifier(&stem, &format!("_stats{attempt}"), &stem);
    }
    name
}

fn inspect<'w>(subject: &Subject<'w>, position: usize, statement: &'w Statement) -> Option<Misestimate<'w>> {
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
    let n_kept = subject.workload.snapshot.statistics_target();
    let seen = Seen { n_kept, position, statement, relation, scan, planned, n_counted };
    let found = if scan.group.is_empty() { correlated(&seen)? } else { grouped(&seen)? };
    (!has_statistics(&found)).then_some(found)
}

/// A statement over one relation, with its plan and its count.
struct Seen<'w> {
    /// Combinations of values that ANALYZE keeps.
    n_kept: f64,
    position: usize,
    statement: &'w Statement,
    relation: &'w Relation,
    scan: &'w Scan,
    planned: &'w Planned,
    n_counted: f64,
}

/// A conjunction of equalities that finds more rows than independent columns could let any values find.
fn correlated<'w>(seen: &Seen<'w>) -> Option<Misestimate<'w>> {
    let Seen { position, statement, relation, scan, planned, n_counted, .. } = *seen;
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
    if !(2..=STATISTICS_COLUMNS_MAX).contains(&columns.len()) {
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
    let n_distinct: Vec<f64> = columns
        .iter()
        .map(|column| Some(relation.column(column)?.best_statistics()?.distinct_values(n_stored)))
        .collect::<Option<_>>()?;
    let kinds = kinds_for(&n_distinct, n_stored, n_counted, seen.n_kept)?;
    let counted = Counted::Found { n_at_most };
    Some(Misestimate { position, statement, relation, columns, counted, kinds, n_counted, n_estimated })
}

/// The kinds of statistics that tell the planner what equalities find, of columns with so many distinct values; `None` where
/// none would. A list of the most common combinations helps only if all are on it: what is not on it is taken for rare, and
/// how one column decides the other is no longer asked (statext_clauselist_selectivity, extended_stats.c). That in turn is
/// known only where it does: then as many rows are found as by the column with the most values alone.
fn kinds_for(n_distinct: &[f64], n_stored: f64, n_counted: f64, n_kept: f64) -> Option<&'static [StatisticsKind]> {
    let n_combinations: f64 = n_distinct.iter().product();
    let n_by_one_column = n_stored / n_distinct.iter().copied().fold(1.0, f64::max);
    if n_combinations <= n_kept {
        Some(&[StatisticsKind::Dependencies, StatisticsKind::Mcv])
    } else if n_counted >= DECIDED_SHARE_MIN * n_by_one_column {
        Some(&[StatisticsKind::Dependencies])
    } else {
        None
    }
}

/// Groups over several columns, fewer than the planner expects.
fn grouped<'w>(seen: &Seen<'w>) -> Option<Misestimate<'w>> {
    let Seen { position, statement, relation, scan, planned, n_counted, .. } = *seen;
    let columns: Option<Vec<String>> = scan.group.iter().map(|key| key.column().map(str::to_owned)).collect();
    let columns = columns.filter(|columns| (2..=STATISTICS_COLUMNS_MAX).contains(&columns.len()))?;
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
    let kinds = &[StatisticsKind::Ndistinct];
    Some(Misestimate {
        position,
        statement,
        relation,
        columns,
        counted: Counted::Groups,
        kinds,
        n_counted,
        n_estimated,
    })
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
fn has_statistics(found: &Misestimate<'_>) -> bool {
    let tells = |kind: &char| match found.counted {
        Counted::Found { .. } => {
            [StatisticsKind::Dependencies, StatisticsKind::Mcv].map(StatisticsKind::code).contains(kind)
        }
        Counted::Groups => *kind == StatisticsKind::Ndistinct.code(),
    };
    found.relation.extended_statistics.iter().any(|statistics| {
        found.columns.iter().all(|column| statistics.columns.contains(column)) && statistics.kinds.iter().any(tells)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_combinations_is_asked_for_only_where_all_are_kept() {
        let both: &[StatisticsKind] = &[StatisticsKind::Dependencies, StatisticsKind::Mcv];
        assert_eq!(kinds_for(&[4.0, 20.0], 200_000.0, 2_000.0, 100.0), Some(both));
        // A postcode decides its town: as many rows as by postcode alone.
        assert_eq!(kinds_for(&[50.0, 100.0], 200_000.0, 2_000.0, 100.0), Some(&both[..1]));
        // 200 combinations of 50 and 40 values, none deciding the other.
        assert_eq!(kinds_for(&[50.0, 40.0], 800_000.0, 4_000.0, 100.0), None);
        assert_eq!(kinds_for(&[50.0, 40.0], 800_000.0, 4_000.0, 2_000.0), Some(both));
    }
}
