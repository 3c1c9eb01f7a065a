//! What a size model is about: the rows of one stored relation that an index holds, and the statistics that describe
//! them. Models nothing itself.

use std::collections::BTreeMap;

use super::clustered::{self, Sampled};
use super::key_part::{self, KeyPart};
use crate::pg::units::BLOCK_BYTES;
use crate::pg::{IndexColumn, IndexDefinition};
use crate::snapshot::{Relation, Snapshot};
use crate::whatif::selectivity::{self, Fixed};

/// Rows on a page that the planner assumes for a relation without statistics, less the columns' width
/// (`estimate_rel_size`, `plancat.c`): row header and line pointer.
const ROW_OVERHEAD: f64 = 28.0;
/// Blocks that the planner assumes at least for a relation that was never vacuumed (`estimate_rel_size`).
const BLOCKS_MIN_UNKNOWN: u64 = 10;

/// Rows that ANALYZE samples for each value of the statistics target (`std_typanalyze`, `analyze.c`).
const ROWS_PER_TARGET: f64 = 300.0;

/// An index to be estimated.
pub(super) struct Subject<'s> {
    /// The relation whose statistics describe the rows: the indexed one, or its partitioned table.
    pub relation: &'s Relation,
    pub definition: &'s IndexDefinition,
    /// Storage parameters of the index as `name=value`.
    pub options: &'s [String],
    /// The server's major version.
    pub major: u32,
    /// Blocks of the indexed relation.
    pub n_heap_pages: f64,
    /// Its rows.
    pub n_all: f64,
    /// Those that the predicate keeps.
    pub n_rows: f64,
    /// What ANALYZE saw of them; `None` where the statistics are of more than the stored relation.
    sampled: Option<Sampled>,
    /// What the predicate fixes about single columns.
    fixed: BTreeMap<String, Fixed>,
}

impl<'s> Subject<'s> {
    /// `described` holds the statistics where `stored`, a partition, has none of its own.
    pub fn new(
        stored: &'s Relation,
        described: &'s Relation,
        definition: &'s IndexDefinition,
        options: &'s [String],
        snapshot: &Snapshot,
    ) -> Self {
        let has_statistics = stored.columns.iter().any(|column| column.best_statistics().is_some());
        let relation = if has_statistics { stored } else { described };
        let n_all = n_rows(stored);
        let kept = definition.predicate.as_ref().map(|predicate| selectivity::of_predicate(relation, predicate));
        let share = kept.as_ref().map_or(1.0, |kept| kept.selectivity);
        Self {
            relation,
            definition,
            options,
            major: snapshot.server.version.major(),
            sampled: has_statistics.then(|| sampled(stored, n_all, snapshot)),
            n_heap_pages: stored.n_blocks.unwrap_or(stored.n_pages).max(1) as f64,
            n_all,
            n_rows: n_all * share,
            fixed: kept.map(|kept| kept.columns).unwrap_or_default(),
        }
    }

    /// What a key column stores, over the rows in the index.
    pub fn key(&self, key: &IndexColumn) -> Result<KeyPart, String> {
        let part = key_part::of_key(self.relation, key, self.n_all)?;
        Ok(self.narrowed(part, key.target.column()))
    }

    /// What every key column stores.
    pub fn keys(&self) -> Result<Vec<KeyPart>, String> {
        self.definition.key_columns.iter().map(|key| self.key(key)).collect()
    }

    /// What every INCLUDE column stores.
    pub fn included(&self) -> Result<Vec<KeyPart>, String> {
        let part = |name: &String| key_part::of_column(self.relation, name, self.n_all);
        self.definition.included_columns.iter().map(|name| Ok(self.narrowed(part(name)?, Some(name)))).collect()
    }

    /// What the predicate fixes about a column.
    pub fn fixed(&self, column: Option<&str>) -> Option<Fixed> {
        column.and_then(|name| self.fixed.get(name)).copied()
    }

    /// The number that a storage parameter is set to.
    pub fn option(&self, name: &str) -> Option<f64> {
        let value = |option: &String| option.strip_prefix(name)?.strip_prefix('=')?.parse::<f64>().ok();
        self.options.iter().find_map(value)
    }

    fn narrowed(&self, mut part: KeyPart, column: Option<&str>) -> KeyPart {
        // With NULLs or values that stand out the sample is not that of one kind of value.
        if let Some(sampled) = self.sampled.filter(|_| part.frequencies.is_empty() && part.null_fraction == 0.0) {
            part.n_distinct = clustered::distinct_values(part.n_distinct, part.correlation, &sampled);
        }
        let n_values = self.n_all * (1.0 - part.null_fraction);
        let (mut part, n_eligible) = match self.fixed(column) {
            Some(Fixed::Null) => return part.all_null(),
            Some(Fixed::OneValue) => return part.one_value(),
            Some(Fixed::NotNull) => (part.without_nulls(), n_values),
            None => (part, self.n_all),
        };
        let share = if n_eligible > 0.0 { (self.n_rows / n_eligible).min(1.0) } else { 1.0 };
        part.n_distinct = distinct_in_share(part.n_distinct, n_values / part.n_distinct.max(1.0), share);
        part
    }
}

/// What ANALYZE saw of a relation. A column's own statistics target, which can be higher than the default, shows in the
/// values that were kept of it.
fn sampled(relation: &Relation, n_rows: f64, snapshot: &Snapshot) -> Sampled {
    let statistics = relation.columns.iter().filter_map(|column| column.best_statistics());
    let n_kept = statistics.map(|one| one.most_common_values.len().max(one.histogram_bounds.len().saturating_sub(1)));
    let target = snapshot.statistics_target().max(n_kept.max().unwrap_or(0) as f64);
    Sampled { n_rows, n_blocks: relation.n_pages.max(1) as f64, n_sampled: ROWS_PER_TARGET * target }
}

/// `reltuples`; for a relation that was never analysed, the planner's guess from its blocks and column types.
pub(in crate::whatif) fn n_rows(relation: &Relation) -> f64 {
    relation.n_rows.unwrap_or_else(|| {
        let width: f64 = relation.columns.iter().map(|column| f64::from(column.base_type.length.max(-32).abs())).sum();
        let n_blocks = relation.n_pages.max(BLOCKS_MIN_UNKNOWN) as f64;
        n_blocks * (BLOCK_BYTES as f64 - 24.0) / (width + ROW_OVERHEAD)
    })
}

/// How many of `n_distinct` values, each in `per_value` rows, are left in a random `share` of the rows.
fn distinct_in_share(n_distinct: f64, per_value: f64, share: f64) -> f64 {
    (n_distinct * (1.0 - (1.0 - share).powf(per_value.max(1.0)))).max(1.0)
}
