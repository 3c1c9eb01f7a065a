//! Fills relations with what belongs to them: one transaction reads the catalog's part of many relations at once, a
//! second one what has to be turned back into SQL. Keeps the catalog in pieces, so that 100,000 relations fit.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::{self, ReadColumn};
use super::constraints::{self, ReadConstraint};
use super::definitions::{self, Definitions};
use super::extended_statistics::{self, ReadStatistics};
use super::indexes::{self, ReadIndex};
use super::reader::Reader;
use super::statistics::{self, Owner, Statistics};
use super::{activity, index_definition};
use crate::db::{Failure, Transaction};
use crate::error::Result;
use crate::pg::{IndexDefinition, Oid, RelationName};
use crate::snapshot::{ColumnStatistics, Index, Relation, RelationActivity, RelationKind};

/// Relations in one batch: about 10,000 columns, which the server answers for within a quarter of a second.
const RELATIONS_MAX: usize = 2_000;

/// What is known of the server and the role before relations are read.
pub(super) struct Circumstances {
    pub major: u32,
    /// How the database's own collation compares.
    pub collation_is_c: bool,
    /// Whether the role may read the data of extended statistics that it does not own.
    pub can_read_extended_data: bool,
    /// The relations whose most common values and histograms are read; `None` for all.
    pub with_values: Option<BTreeSet<Oid>>,
}

/// What one transaction reads of a batch.
struct Catalogued {
    columns: BTreeMap<Oid, Vec<ReadColumn>>,
    constraints: BTreeMap<Oid, Vec<ReadConstraint>>,
    indexes: BTreeMap<Oid, Vec<ReadIndex>>,
    extended_statistics: BTreeMap<Oid, Vec<ReadStatistics>>,
    activity: BTreeMap<Oid, RelationActivity>,
    statistics: Statistics,
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
    let indexes = indexes::read(transaction, &oids, circumstances.major)?;
    Ok(Catalogued {
        columns: columns::read(transaction, &oids, circumstances.collation_is_c)?,
        constraints: constraints::read(transaction, &oids)?,
        extended_statistics: extended_statistics::read(transaction, &oids, circumstances.can_read_extended_data)?,
        activity: activity::read(transaction, &oids)?,
        statistics: read_statistics(transaction, batch, &indexes, circumstances)?,
        indexes,
    })
}

fn read_statistics(
    transaction: &mut Transaction<'_>,
    batch: &[Relation],
    indexes: &BTreeMap<Oid, Vec<ReadIndex>>,
    circumstances: &Circumstances,
) -> std::result::Result<Statistics, Failure> {
    let (mut whole, mut summary) = (BTreeSet::new(), BTreeSet::new());
    for relation in batch {
        let has_values = circumstances.with_values.as_ref().is_none_or(|chosen| chosen.contains(&relation.oid));
        let owners = if has_values { &mut whole } else { &mut summary };
        owners.insert((relation.name.schema.clone(), relation.name.name.clone()));
        let with_expressions = indexes.get(&relation.oid).into_iter().flatten().filter(|index| index.has_expressions());
        owners.extend(with_expressions.map(|index| (relation.name.schema.clone(), index.name.clone())));
    }
    let mut read = statistics::read(transaction, &whole, true)?;
    read.extend(statistics::read(transaction, &summary, false)?);
    Ok(read)
}

/// The relations of which something has to be turned back into SQL.
fn relations_to_open(batch: &[Relation], catalogued: &Catalogued) -> Vec<Oid> {
    let has_definitions = |relation: &Relation| {
        let any = |found: Option<bool>| found.unwrap_or(false);
        relation.kind == RelationKind::PartitionedTable
            || any(catalogued.indexes.get(&relation.oid).map(|list| list.iter().any(ReadIndex::has_expressions)))
            || any(catalogued.constraints.get(&relation.oid).map(|list| list.iter().any(ReadConstraint::is_check)))
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
                    relation.indexes.push(index(read, definition, of_columns));
                }
                None => unread_indexes.push(RelationName::new(owner.0, owner.1)),
            }
        }
        relation.columns = columns.into_iter().map(|read| read.column).collect();
        attach_statistics(relation, &mut catalogued.statistics);
        relation.constraints = catalogued
            .constraints
            .remove(&oid)
            .unwrap_or_default()
            .into_iter()
            .map(|read| {
                let expression = definitions.checks.remove(&read.oid);
                read.with_expression(expression)
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

fn attach_statistics(relation: &mut Relation, statistics: &mut Statistics) {
    let owner: Owner = (relation.name.schema.clone(), relation.name.name.clone());
    let Some(mut of_columns) = statistics.remove(&owner) else { return };
    for column in &mut relation.columns {
        column.statistics = of_columns.remove(&(column.name.clone(), false));
        column.inherited_statistics = of_columns.remove(&(column.name.clone(), true));
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
        n_rows: read.n_rows,
        usage: read.usage,
        expression_statistics,
        is_being_built: read.is_being_built,
    }
}
