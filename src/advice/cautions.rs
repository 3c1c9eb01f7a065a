//! What a reviewer should know before signing a step: missing statistics, skew, writes, lookalikes. Changes no choice.

use std::collections::BTreeSet;

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget};
use crate::snapshot::{Catalog, Relation};
use crate::sql::{self, StatementKind};
use crate::whatif::Backend;
use crate::workload::{Statement, Workload};

use super::StatementGain;
use super::partitions::PartitionIndex;
use super::write_cost::{HotLoss, WriteCost};

/// The share of rows changed since the last ANALYZE from which statistics are stale: autovacuum analyses at 10 %
/// (`autovacuum_analyze_scale_factor`), so twice that was missed.
const STALE_SHARE: f64 = 0.2;

/// Writes for each read, and writes in all, from which a relation is mostly written. Counted from the statements of
/// the window, not from lifetime counters, which remember how the relation was first filled.
const WRITES_PER_READ: f64 = 10.0;
const WRITES_MIN: f64 = 1_000.0;

/// Mean bytes of a key from which it is wide: four `bigint`s and more.
const KEY_BYTES_WIDE: i32 = 64;

/// The share of rows with one value, and how many times the mean share, from which a value is served worse than others.
const COMMON_SHARE: f64 = 0.2;
const COMMON_RATIO: f64 = 5.0;

/// A gain below which the setting `random_page_cost` decides more than the index does.
const GAIN_CLEAR: f64 = 0.5;

/// Everything to be said about creating `definition`.
pub fn of_create(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    definition: &IndexDefinition,
    served: &[StatementGain],
    write: &WriteCost,
) -> Vec<String> {
    let mut cautions = Vec::new();
    cautions.extend(write.hot_loss.as_ref().map(hot_loss));
    cautions.extend(write_heavy(catalog, workload, relation, served));
    cautions.extend(statistics(catalog, workload, relation, definition, served));
    if served.iter().all(|gain| gain.variants.is_empty()) {
        cautions.extend(common_value(relation, definition));
    }
    cautions.extend(pattern(definition));
    cautions.extend(expression(definition));
    cautions.extend(wide_key(relation, definition));
    cautions.extend(similar_indexes(relation, definition));
    cautions.extend(random_page_cost(workload, served));
    cautions
}

/// How the index of a partitioned table comes about, and what taking it back locks.
pub fn of_partitions(partitions: &[PartitionIndex]) -> Option<String> {
    let leaves: Vec<&PartitionIndex> = partitions.iter().filter(|partition| !partition.is_partitioned).collect();
    let there: Vec<&str> = leaves.iter().filter(|leaf| leaf.is_there).map(|leaf| leaf.name.as_str()).collect();
    let already = match there.as_slice() {
        [] => String::new(),
        [only] => format!(", {only} is there already"),
        [first, rest @ ..] => format!(", {first} and {} more are there already", rest.len()),
    };
    (!partitions.is_empty()).then(|| {
        format!(
            "partitioned table: built on {} of {} partitions, one after another, and attached{already}; taking it back \
             locks the table and its partitions for a moment",
            leaves.len() - there.len(),
            leaves.len()
        )
    })
}

/// What is to be said about every price of `backend`.
pub fn of_backend(backend: Backend) -> Option<String> {
    (backend == Backend::Estimate).then(|| {
        "estimated: the costs are reckoned from statistics, not asked of PostgreSQL's planner; compare EXPLAIN before and \
         after"
            .to_owned()
    })
}

/// The HOT updates that an index ends.
pub fn hot_loss(loss: &HotLoss) -> String {
    let source = if loss.is_counted { "by the share that is HOT now" } else { "by their statements' calls" };
    format!(
        "breaks_hot: {:.0} updates ({source}) set {} and can no longer be HOT, {:.0} % of the relation's; each then \
         writes into every index, at about 1.5 times the CPU and twice the WAL",
        loss.n_updates,
        loss.columns.join(", "),
        loss.share * 100.0
    )
}

fn write_heavy(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    served: &[StatementGain],
) -> Option<String> {
    let writes = |statement: &&Statement| {
        statement.shape.as_ref().is_some_and(|shape| {
            shape.kind != StatementKind::Select
                && shape
                    .scans
                    .iter()
                    .any(|scan| scan.is_target && catalog.partition_root(scan.relation) == relation.oid)
        })
    };
    let n_writes: f64 = workload.statements.iter().filter(writes).map(|statement| statement.n_calls).sum();
    let n_reads: f64 = served.iter().map(|gain| gain.n_calls).sum();
    (n_writes >= WRITES_MIN && n_writes >= WRITES_PER_READ * n_reads)
        .then(|| format!("write_heavy: {n_writes:.0} writes of the relation against {n_reads:.0} reads that it serves"))
}

/// Whether the planner guessed: no statistics of the relation, of an indexed column, or of one that a served statement
/// compares.
fn statistics(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    definition: &IndexDefinition,
    served: &[StatementGain],
) -> Option<String> {
    let table = &relation.name;
    let mut columns = super::write_cost::indexed_columns(relation, definition);
    columns.extend(served.iter().flat_map(|gain| compared_columns(catalog, workload, relation, gain.statement)));
    let is_unknown = |name: &&String| relation.column(name).is_some_and(|column| column.best_statistics().is_none());
    let unknown: Vec<&str> = columns.iter().filter(is_unknown).map(String::as_str).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        return Some(format!("stats_missing: no statistics for {unknown}; run ANALYZE {table} and look again"));
    }
    let (n_rows, activity) = (relation.n_rows?, relation.activity.as_ref()?);
    let n_changed = activity.n_modified_since_analyze as f64;
    (n_rows > 0.0 && n_changed > STALE_SHARE * n_rows)
        .then(|| format!("stats_stale: {n_changed:.0} of {n_rows:.0} rows changed since the last ANALYZE"))
}

/// The columns of `relation` that a statement compares with something.
fn compared_columns(
    catalog: &Catalog<'_>,
    workload: &Workload,
    relation: &Relation,
    statement: usize,
) -> BTreeSet<String> {
    let shape = workload.statements.get(statement).and_then(|statement| statement.shape.as_ref());
    let scans = shape.into_iter().flat_map(|shape| &shape.scans);
    scans
        .filter(|scan| catalog.partition_root(scan.relation) == relation.oid)
        .flat_map(|scan| scan.quals.iter().filter_map(|qual| qual.target.column().map(str::to_owned)))
        .collect()
}

/// A column with a value so common that the index does not help to find it.
fn common_value(relation: &Relation, definition: &IndexDefinition) -> Option<String> {
    let name = definition.key_columns.first()?.target.column()?;
    let statistics = relation.column(name)?.best_statistics()?;
    let most_common = statistics.most_common_frequencies.iter().copied().fold(0.0, f64::max);
    let mean = 1.0 / statistics.distinct_values(relation.n_rows.unwrap_or(1.0));
    let is_skewed = most_common >= COMMON_SHARE && most_common >= COMMON_RATIO * mean;
    (is_skewed && definition.key_columns.len() == 1).then(|| {
        format!(
            "helps only rarer values: the most common value of {name} fills {:.0} % of the rows",
            most_common * 100.0
        )
    })
}

fn pattern(definition: &IndexDefinition) -> Option<String> {
    let is_pattern = |key: &IndexColumn| key.opclass.as_ref().is_some_and(|opclass| opclass.ends_with("pattern_ops"));
    let is_trigram = |key: &IndexColumn| key.opclass.as_ref().is_some_and(|opclass| opclass.ends_with("_trgm_ops"));
    let text = if definition.key_columns.iter().any(is_pattern) {
        "helps only LIKE patterns that start with fixed text, and only when they are planned with their value"
    } else if definition.key_columns.iter().any(is_trigram) {
        "helps only patterns with three characters in a row that are fixed: shorter ones read the whole index"
    } else {
        return None;
    };
    Some(text.to_owned())
}

fn expression(definition: &IndexDefinition) -> Option<String> {
    let is_expression = |key: &IndexColumn| matches!(key.target, IndexTarget::Expression(_));
    definition.key_columns.iter().any(is_expression).then(|| {
        "the planner has no statistics of the expression until the index exists and ANALYZE ran: its gain is a guess"
            .to_owned()
    })
}

fn wide_key(relation: &Relation, definition: &IndexDefinition) -> Option<String> {
    let bytes: i32 = definition
        .key_column_names()
        .filter_map(|name| relation.column(name)?.best_statistics())
        .map(|statistics| statistics.average_width)
        .sum();
    let n_columns = definition.key_columns.len();
    // The others keep hashes, summaries, or the parts of a value.
    let keeps_values = matches!(definition.access_method, AccessMethod::Btree | AccessMethod::Gist);
    let is_wide = keeps_values && (bytes > KEY_BYTES_WIDE || n_columns > 3);
    is_wide.then(|| format!("wide_index: {n_columns} key columns of {bytes} bytes on average"))
}

/// Existing indexes that lead with the same column or hold the same columns: the reviewer may prefer to change one.
fn similar_indexes(relation: &Relation, definition: &IndexDefinition) -> Vec<String> {
    let wanted: Vec<&IndexTarget> = definition.key_columns.iter().map(|key| &key.target).collect();
    let is_similar = |existing: &IndexDefinition| {
        let there: Vec<&IndexTarget> = existing.key_columns.iter().map(|key| &key.target).collect();
        there.first() == wanted.first() || wanted.iter().all(|target| there.contains(target))
    };
    relation
        .indexes
        .iter()
        .filter(|index| is_similar(&index.definition))
        .map(|index| {
            let validity = if index.is_valid { "" } else { ", which is invalid" };
            let body = sql::without_constants(&index.definition.body());
            format!("similar_index: {} {body}{validity}", index.name)
        })
        .collect()
}

fn random_page_cost(workload: &Workload, served: &[StatementGain]) -> Option<String> {
    let setting = workload.snapshot.settings.iter().find(|setting| setting.name == "random_page_cost")?;
    let (before, after) = served
        .iter()
        .fold((0.0, 0.0), |(b, a), gain| (b + gain.cost_before * gain.n_calls, a + gain.cost_after * gain.n_calls));
    let is_default = setting.value.parse::<f64>().is_ok_and(|cost| cost >= 4.0);
    (is_default && before > 0.0 && (before - after) / before < GAIN_CLEAR).then(|| {
        format!("priced at random_page_cost {}, the setting for spinning disks: on SSDs it gains more", setting.value)
    })
}
