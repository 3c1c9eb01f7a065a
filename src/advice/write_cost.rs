//! What maintaining an index costs over the statistics' window, and which HOT updates it ends. Decides nothing.

use std::collections::BTreeSet;

use crate::pg::{AccessMethod, IndexDefinition, IndexTarget, Oid, ServerVersion};
use crate::snapshot::{Catalog, Relation};
use crate::whatif::selectivity;
use crate::workload::{Statement, Workload};

/// Microseconds of CPU for one more btree entry at a random place, measured on 500,000 rows: 4.3 to 4.7 for one, two
/// and three integers, 4.9 for a uuid.
const RANDOM_ENTRY_US: f64 = 4.6;

/// The same where entries come in the order of the key: 1.3 to 1.5.
const MONOTONIC_ENTRY_US: f64 = 1.4;

/// Microseconds for each byte of the key beyond eight: 5.9 for a text of 32 bytes.
const KEY_BYTE_US: f64 = 0.04;

/// Bytes of a key whose entry costs no more than that.
const KEY_BYTES_FREE: f64 = 8.0;

/// Correlation from which a column's values are taken to come in order.
const CORRELATION_MONOTONIC: f64 = 0.95;

/// Microseconds that an UPDATE costs beyond its index entries when it is no longer HOT.
const NOT_HOT_US: f64 = 2.0;

/// What VACUUM spends on removing an entry, as a share of what inserting it cost; an assumption.
const VACUUM_SHARE: f64 = 0.5;

/// Planner units for a microsecond: `cpu_operator_cost` of 0.0025 is 10 to 25 ns on the machine that was measured, so
/// 0.1 to 0.25; its geometric mean.
const UNITS_PER_US: f64 = 0.16;

/// The first major version in which summarising indexes (BRIN) leave updates HOT.
const HOT_WITH_BRIN: u32 = 16;

/// The price of an index for those who write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteCost {
    /// Planner cost units over the window.
    pub units: f64,
    /// The HOT updates that it ends; `None` when there are none.
    pub hot_loss: Option<HotLoss>,
}

/// HOT updates that an index would end.
#[derive(Debug, Clone, PartialEq)]
pub struct HotLoss {
    /// How many, over the window.
    pub n_updates: f64,
    /// The indexed columns that UPDATEs set, sorted.
    pub columns: Vec<String>,
    /// The share of the relation's UPDATE calls that set one of them, 0 to 1.
    pub share: f64,
    /// Whether the server counted HOT updates; otherwise they are inferred from the statements.
    pub is_counted: bool,
}

/// What an index with `definition` on `relation` costs.
pub fn write_cost(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    definition: &IndexDefinition,
) -> WriteCost {
    let share = definition.predicate.as_ref().map_or(1.0, |sql| selectivity::of_predicate(relation, sql).selectivity);
    let entry = entry_us(relation, definition);
    let activity = relation.activity.clone().unwrap_or_default();
    let n_hot = activity.n_rows_hot_updated as f64;
    let n_not_hot = (activity.n_rows_updated as f64 - n_hot).max(0.0);
    let n_removed = activity.n_rows_deleted as f64 + n_not_hot;
    let mut microseconds = share * entry * (activity.n_rows_inserted as f64 + n_not_hot + VACUUM_SHARE * n_removed);

    let hot_loss = hot_loss(catalog, workload, relation, definition);
    if let Some(loss) = &hot_loss {
        let others: f64 = relation.indexes.iter().map(|index| entry_us(relation, &index.definition)).sum();
        microseconds += loss.n_updates * (entry + others + NOT_HOT_US);
    }
    WriteCost { units: microseconds * UNITS_PER_US, hot_loss }
}

/// Microseconds for one entry.
fn entry_us(relation: &Relation, definition: &IndexDefinition) -> f64 {
    let statistics = |name: &str| relation.column(name).and_then(|column| column.best_statistics());
    let leading = definition.key_columns.first().and_then(|key| key.target.column()).and_then(statistics);
    let correlation = leading.and_then(|statistics| statistics.correlation).unwrap_or(0.0);
    let columns = definition.key_column_names().chain(definition.included_columns.iter().map(String::as_str));
    let key_bytes: f64 = columns.filter_map(statistics).map(|statistics| f64::from(statistics.average_width)).sum();
    let base = if correlation >= CORRELATION_MONOTONIC { MONOTONIC_ENTRY_US } else { RANDOM_ENTRY_US };
    base + KEY_BYTE_US * (key_bytes - KEY_BYTES_FREE).max(0.0)
}

fn hot_loss(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    definition: &IndexDefinition,
) -> Option<HotLoss> {
    let version = &workload.snapshot.server.version;
    if !ends_hot(definition, version) {
        return None;
    }
    let indexed = indexed_columns(relation, definition);
    let kept_from_hot: BTreeSet<String> = relation
        .indexes
        .iter()
        .filter(|index| ends_hot(&index.definition, version))
        .flat_map(|index| indexed_columns(relation, &index.definition))
        .collect();
    let (mut n_all, mut n_lost) = (0.0, 0.0);
    let mut columns = BTreeSet::new();
    for (statement, set) in updates(catalog, workload, relation.oid) {
        n_all += statement.n_calls;
        let touched: BTreeSet<&String> = set.intersection(&indexed).collect();
        if !touched.is_empty() && set.is_disjoint(&kept_from_hot) {
            n_lost += statement.n_calls;
            columns.extend(touched.into_iter().cloned());
        }
    }
    let share = if n_all > 0.0 { n_lost / n_all } else { 0.0 };
    let counted = relation.activity.as_ref().filter(|activity| activity.n_rows_updated > 0);
    let n_updates = counted.map_or(n_lost, |activity| activity.n_rows_hot_updated as f64 * share);
    (n_updates > 0.0).then(|| HotLoss {
        n_updates,
        columns: columns.into_iter().collect(),
        share,
        is_counted: counted.is_some(),
    })
}

fn ends_hot(definition: &IndexDefinition, version: &ServerVersion) -> bool {
    definition.access_method != AccessMethod::Brin || version.major() < HOT_WITH_BRIN
}

/// The UPDATEs (ON CONFLICT DO UPDATE among them) of a relation, with the columns that they set.
fn updates<'w>(
    catalog: &Catalog<'_>,
    workload: &'w Workload,
    relation: Oid,
) -> Vec<(&'w Statement, &'w BTreeSet<String>)> {
    let mut updates = Vec::new();
    for statement in &workload.statements {
        let Some(shape) = &statement.shape else { continue };
        let is_update = |scan: &&crate::sql::Scan| {
            catalog.partition_root(scan.relation) == relation && !scan.columns_set.is_empty()
        };
        updates.extend(shape.scans.iter().find(is_update).map(|scan| (statement, &scan.columns_set)));
    }
    updates
}

/// Every column that an index looks at: key, INCLUDE, and those in expressions and the predicate.
pub fn indexed_columns(relation: &Relation, definition: &IndexDefinition) -> BTreeSet<String> {
    let mut columns: BTreeSet<String> = definition.included_columns.iter().cloned().collect();
    let mut expressions: Vec<&str> = definition.predicate.iter().map(String::as_str).collect();
    for key in &definition.key_columns {
        match &key.target {
            IndexTarget::Column(name) => {
                columns.insert(name.clone());
            }
            IndexTarget::Expression(sql) => expressions.push(sql),
        }
    }
    for column in &relation.columns {
        if expressions.iter().any(|sql| mentions(sql, &column.name)) {
            columns.insert(column.name.clone());
        }
    }
    columns
}

/// Whether an expression as PostgreSQL prints it names the column: as a word of its own, or quoted.
fn mentions(sql: &str, column: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    sql.match_indices(column).any(|(start, _)| {
        let before = sql[..start].chars().next_back();
        let after = sql[start + column.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::advice::test_catalog::{index, orders};
    use crate::snapshot::RelationActivity;
    use crate::sql::{Scan, Shape, StatementKind};
    use crate::workload::Weigh;
    use crate::workload::test_workload;

    /// The cost of an index on these columns, where 900 calls set `status` and 100 set `customer`.
    fn cost(relation: Relation, definition: &IndexDefinition) -> WriteCost {
        let statement = |id: i64, n_calls: f64, column: &str| {
            let mut scan = Scan::new(Oid(1), "orders", 0);
            scan.is_target = true;
            scan.columns_set.insert(column.to_owned());
            let shape =
                Shape { kind: StatementKind::Update, scans: vec![scan], joins: Vec::new(), is_from_plan: false };
            Statement { shape: Some(shape), ..test_workload::statement(id, n_calls, None, Some(8.0)) }
        };
        let statements = vec![statement(1, 900.0, "status"), statement(2, 100.0, "customer")];
        let mut workload = test_workload::workload(Weigh::Cost, statements);
        let mut snapshot = test_workload::snapshot();
        snapshot.relations = vec![relation.clone()];
        workload.snapshot = Arc::new(snapshot);
        let catalog = Catalog::new(&workload.snapshot);
        write_cost(&catalog, &workload, &relation, definition)
    }

    fn updated(n_updated: i64, n_hot: i64) -> Relation {
        let activity =
            RelationActivity { n_rows_updated: n_updated, n_rows_hot_updated: n_hot, ..RelationActivity::default() };
        Relation { activity: Some(activity), ..orders() }
    }

    #[test]
    fn key_include_and_predicate_columns_all_end_hot() {
        let key = IndexDefinition::btree(["status"]);
        let include =
            IndexDefinition { included_columns: vec!["status".to_owned()], ..IndexDefinition::btree(["tenant"]) };
        let predicate =
            IndexDefinition { predicate: Some("status IS NULL".to_owned()), ..IndexDefinition::btree(["tenant"]) };
        for definition in [key, include, predicate] {
            let loss = cost(updated(2000, 1000), &definition).hot_loss.expect("a loss");
            assert_eq!((loss.n_updates, loss.share, loss.is_counted), (900.0, 0.9, true), "{}", definition.body());
        }
        assert_eq!(cost(updated(2000, 1000), &IndexDefinition::btree(["tenant"])).hot_loss, None);
    }

    #[test]
    fn nothing_is_lost_where_updates_are_not_hot_now() {
        let key = IndexDefinition::btree(["status"]);
        assert_eq!(cost(updated(2000, 0), &key).hot_loss, None, "by the counters");
        let mut indexed = updated(0, 0);
        indexed.indexes.push(index(20, "there", IndexDefinition::btree(["status"])));
        assert_eq!(cost(indexed, &IndexDefinition::btree(["status", "tenant"])).hot_loss, None, "by another index");
        let loss = cost(updated(0, 0), &key).hot_loss.expect("a loss by the statements");
        assert_eq!((loss.n_updates, loss.is_counted), (900.0, false));
    }

    #[test]
    fn an_index_costs_more_where_more_is_written() {
        let key = IndexDefinition::btree(["tenant"]);
        let quiet = cost(updated(0, 0), &key).units;
        let busy = cost(updated(100_000, 0), &key).units;
        assert_eq!(quiet, 0.0);
        // 100,000 entries of 4.6 µs, half of that again for VACUUM, at 0.16 units.
        assert!((busy - 110_400.0).abs() < 1.0, "{busy}");
    }

    #[test]
    fn columns_are_found_as_whole_words() {
        assert!(mentions("(deleted_at IS NULL)", "deleted_at"));
        assert!(mentions("lower((\"Email\")::text)", "Email"));
        assert!(!mentions("(undeleted_at IS NULL)", "deleted_at"));
        assert!(!mentions("(a1 > 0)", "a"));
    }
}
