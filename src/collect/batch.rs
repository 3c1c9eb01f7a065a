//! Fills relations with what belongs to them: one transaction reads the catalog's part of many relations at once, a
//! second one what has to be turned back into SQL. Keeps the catalog in pieces, so that 100,000 relations fit.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{self, ReadColumn};
use super::constraints::{self, ReadConstraint};
use super::definitions::{self, Definitions};
use super::extended_statistics::{self, Access, ReadStatistics};
use super::indexes::{self, ReadIndex};
use super::reader::Reader;
use super::statistics::{self, Owner, RangeStatistics, Ranges, Statistics, is_range};
use super::{activity, index_definition};
use crate::db::{Failure, Transaction};
use crate::error::Result;
use crate::pg::{IndexDefinition, Oid, RelationName};
use crate::snapshot::{ColumnStatistics, Index, Relation, RelationActivity, RelationKind};

/// Relations in one batch: about 10,000 columns, which the server answers for within a quarter of a second.
const RELATIONS_MAX: usize = 2_000;
/// The first version whose pg_stats shows the statistics of ranges.
pub(super) const RANGES_IN_VIEW_SINCE: u32 = 17;

/// What is known of the server and the role before relations are read.
pub(super) struct Circumstances {
    pub major: u32,
    /// How the database's own collation compares.
    pub collation_is_c: bool,
    /// Whether the role may read the data of extended statistics that it does not own.
    pub can_read_extended_data: bool,
    /// Whether the role may read pg_statistic.
    pub can_read_statistic: bool,
    /// The relations whose statistics pg_stats does not show to the role, for the sake of row level security.
    pub hidden: BTreeSet<Oid>,
    /// The relations whose most common values and histograms are read; `None` for all.
    pub with_values: Option<BTreeSet<Oid>>,
}

impl Circumstances {
    fn has_values(&self, relation: Oid) -> bool {
        self.with_values.as_ref().is_none_or(|chosen| chosen.contains(&relation))
    }
}

/// What one transaction reads of a batch.
struct Catalogued {
    columns: BTreeMap<Oid, Vec<ReadColumn>>,
    constraints: BTreeMap<Oid, Vec<ReadConstraint>>,
    indexes: BTreeMap<Oid, Vec<ReadIndex>>,
    extended_statistics: BTreeMap<Oid, Vec<ReadStatistics>>,
    activity: BTreeMap<Oid, RelationActivity>,
    statistics: Statistics,
    ranges: Ranges,
}

/// Fills `relations`, and returns the names of indexes that could not be read whole.
pub(super) fn fill(
    reader: &mut Reader<'_>,
    relations: &mut [Relation],
    circumstances: &Circumstances,
    progress: &dyn Fn(&str),
) -> Result<Vec<RelationName>> {
    let n_relations = relations.len();
    let mut unread_indexes = Vec::new();
    for (number, batch) in relations.chunks_mut(RELATIONS_MAX).enumerate() {
        if n_relations > RELATIONS_MAX {
            progress(&format!("reading relations {} of {n_relations}", number * RELATIONS_MAX + batch.len()));
        }
        let catalogued = reader.read(|transaction| read(transaction, batch, circumstances))?;
        let definitions = definitions::read(reader, &relations_to_open(batch, &catalogued))?;
        attach(batch, catalogued, definitions, &mut unread_indexes);
    }
    Ok(unread_indexes)
}

fn read(
    transaction: &mut Transaction<'_>,
    batch: &[Relation],
    circumstances: &Circumstances,
) -> std::result::Result<Catalogued, Failure> {
    let oids: Vec<Oid> = batch.iter().map(|relation| relation.oid).collect();
    let with_values: Vec<Oid> = oids.iter().copied().filter(|oid| circumstances.has_values(*oid)).collect();
    let access = Access {
        major: circumstances.major,
        can_read_data: circumstances.can_read_extended_data,
        with_values: &with_values,
    };
    let indexes = indexes::read(transaction, &oids, circumstances.major)?;
    let columns = columns::read(transaction, &oids, circumstances.collation_is_c)?;
    Ok(Catalogued {
        constraints: constraints::read(transaction, &oids)?,
        extended_statistics: extended_statistics::read(transaction, &oids, &access)?,
        activity: activity::read(transaction, &oids)?,
        statistics: read_statistics(transaction, batch, &indexes, circumstances)?,
        ranges: read_ranges(transaction, &with_values, &columns, &indexes, circumstances)?,
        columns,
        indexes,
    })
}

/// What pg_stats does not show of ranges before 17: of columns of ranges, and of expressions, whose types are not known.
fn read_ranges(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    columns: &BTreeMap<Oid, Vec<ReadColumn>>,
    indexes: &BTreeMap<Oid, Vec<ReadIndex>>,
    circumstances: &Circumstances,
) -> std::result::Result<Ranges, Failure> {
    if circumstances.major >= RANGES_IN_VIEW_SINCE || !circumstances.can_read_statistic {
        return Ok(Ranges::new());
    }
    let has_ranges =
        |oid: &Oid| columns.get(oid).is_some_and(|list| list.iter().any(|read| is_range(&read.column.base_type)));
    let mut asked: Vec<Oid> = relations.iter().copied().filter(has_ranges).collect();
    let of_relations = relations.iter().filter_map(|oid| indexes.get(oid)).flatten();
    asked.extend(of_relations.filter(|index| index.has_expressions()).map(|index| index.oid));
    if asked.is_empty() { Ok(Ranges::new()) } else { statistics::read_ranges(transaction, &asked) }
}

fn read_statistics(
    transaction: &mut Transaction<'_>,
    batch: &[Relation],
    indexes: &BTreeMap<Oid, Vec<ReadIndex>>,
    circumstances: &Circumstances,
) -> std::result::Result<Statistics, Failure> {
    let (mut whole, mut summary) = (BTreeSet::new(), BTreeSet::new());
    for relation in batch {
        let owners = if circumstances.has_values(relation.oid) { &mut whole } else { &mut summary };
        owners.insert((relation.name.schema.clone(), relation.name.name.clone()));
        let with_expressions = indexes.get(&relation.oid).into_iter().flatten().filter(|index| index.has_expressions());
        owners.extend(with_expressions.map(|index| (relation.name.schema.clone(), index.name.clone())));
    }
    let mut read = statistics::read(transaction, &whole, true)?;
    read.extend(statistics::read(transaction, &summary, false)?);
    if circumstances.can_read_statistic {
        for with_values in [true, false] {
            let hidden = hidden(batch, indexes, &read, circumstances, with_values);
            read.extend(statistics::read_hidden(transaction, &hidden, with_values)?);
        }
    }
    Ok(read)
}

/// The relations of `batch` whose statistics pg_stats hides, and the indexes with expressions of which `read` holds
/// nothing: without pg_read_all_data, a role that may SELECT from a relation is not shown those.
fn hidden(
    batch: &[Relation],
    indexes: &BTreeMap<Oid, Vec<ReadIndex>>,
    read: &Statistics,
    circumstances: &Circumstances,
    with_values: bool,
) -> Vec<Oid> {
    let mut oids = Vec::new();
    for relation in batch.iter().filter(|relation| circumstances.has_values(relation.oid) == with_values) {
        oids.extend(circumstances.hidden.get(&relation.oid));
        let is_unread = |index: &&ReadIndex| {
            index.has_expressions() && !read.contains_key(&(relation.name.schema.clone(), index.name.clone()))
        };
        oids.extend(indexes.get(&relation.oid).into_iter().flatten().filter(is_unread).map(|index| index.oid));
    }
    oids
}

/// The relations of which something has to be turned back into SQL.
fn relations_to_open(batch: &[Relation], catalogued: &Catalogued) -> Vec<Oid> {
    let has_definitions = |relation: &Relation| {
        let any = |found: Option<bool>| found.unwrap_or(false);
        relation.kind == RelationKind::PartitionedTable
            || relation.has_row_security
            || any(catalogued.columns.get(&relation.oid).map(|list| list.iter().any(|read| read.is_computed)))
            || any(catalogued.indexes.get(&relation.oid).map(|list| list.iter().any(ReadIndex::has_expressions)))
            || any(catalogued
                .constraints
                .get(&relation.oid)
                .map(|list| list.iter().any(ReadConstraint::can_have_expression)))
            || any(catalogued
                .extended_statistics
                .get(&relation.oid)
                .map(|list| list.iter().any(ReadStatistics::has_expressions)))
    };
    batch.iter().filter(|relation| has_definitions(relation)).map(|relation| relation.oid).collect()
}

fn attach(
    batch: &mut [Relation],
    mut catalogued: Catalogued,
    mut definitions: Definitions,
    unread_indexes: &mut Vec<RelationName>,
) {
    for relation in batch {
        let oid = relation.oid;
        relation.is_locked = definitions.refused.contains(&oid);
        relation.partition_key = definitions.partition_keys.remove(&oid);
        relation.activity = catalogued.activity.remove(&oid);
        let columns = catalogued.columns.remove(&oid).unwrap_or_default();
        for read in catalogued.indexes.remove(&oid).unwrap_or_default() {
            let owner = (relation.name.schema.clone(), read.name.clone());
            let expressions = definitions.indexes.remove(&read.oid);
            match index_definition::assemble(&read, &columns, expressions.as_ref()) {
                Some(definition) => {
                    let of_columns = catalogued.statistics.remove(&owner).unwrap_or_default();
                    let mut index = index(read, definition, of_columns);
                    for (number, statistics) in (1..).zip(&mut index.expression_statistics) {
                        complete_ranges(statistics, catalogued.ranges.remove(&(index.oid, number, false)));
                    }
                    relation.indexes.push(index);
                }
                None => unread_indexes.push(RelationName::new(owner.0, owner.1)),
            }
        }
        relation.declaration.policies = definitions.policies.remove(&oid).unwrap_or_default();
        relation.columns = columns
            .into_iter()
            .map(|read| {
                let expression = definitions.generated.remove(&(oid, read.column.number));
                read.with_expression(expression)
            })
            .collect();
        attach_statistics(relation, &mut catalogued);
        relation.constraints = catalogued
            .constraints
            .remove(&oid)
            .unwrap_or_default()
            .into_iter()
            .map(|read| {
                let definition = definitions.checks.remove(&read.oid);
                read.with_definition(definition)
            })
            .collect();
        relation.extended_statistics = catalogued
            .extended_statistics
            .remove(&oid)
            .unwrap_or_default()
            .into_iter()
            .map(|read| {
                let expressions = definitions.statistics.remove(&read.oid);
                extended_statistics::resolve(read, &relation.columns, expressions.as_deref())
            })
            .collect();
    }
}

fn attach_statistics(relation: &mut Relation, catalogued: &mut Catalogued) {
    let owner: Owner = (relation.name.schema.clone(), relation.name.name.clone());
    let Some(mut of_columns) = catalogued.statistics.remove(&owner) else { return };
    for column in &mut relation.columns {
        column.statistics = of_columns.remove(&(column.name.clone(), false));
        column.inherited_statistics = of_columns.remove(&(column.name.clone(), true));
        for (statistics, is_inherited) in [(&mut column.statistics, false), (&mut column.inherited_statistics, true)] {
            complete_ranges(statistics, catalogued.ranges.remove(&(relation.oid, column.number, is_inherited)));
        }
    }
}

fn complete_ranges(statistics: &mut Option<ColumnStatistics>, ranges: Option<RangeStatistics>) {
    if let (Some(statistics), Some(ranges)) = (statistics, ranges) {
        ranges.complete(statistics);
    }
}

fn index(
    read: ReadIndex,
    definition: IndexDefinition,
    mut statistics: BTreeMap<(String, bool), ColumnStatistics>,
) -> Index {
    let has_expressions = definition.key_columns.iter().any(|key| key.target.column().is_none());
    let expression_statistics = read
        .columns
        .iter()
        .filter(|column| has_expressions && column.is_key)
        .map(|column| statistics.remove(&(column.statistics_name.clone(), false)))
        .collect();
    Index {
        oid: read.oid,
        name: read.name,
        definition,
        is_valid: read.is_valid,
        is_ready: read.is_ready,
        is_live: read.is_live,
        is_primary: read.is_primary,
        is_exclusion: read.is_exclusion,
        is_replica_identity: read.is_replica_identity,
        is_clustered: read.is_clustered,
        constraint: read.constraint,
        parent: read.parent,
        options: read.options,
        n_pages: read.n_pages,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: read.tablespace,
        n_rows: read.n_rows,
        usage: read.usage,
        expression_statistics,
        is_being_built: read.is_being_built,
    }
}
