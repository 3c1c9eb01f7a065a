//! Reads indexes from the catalog, without turning their expressions into SQL: that is left to `definitions`, and
//! putting the parts together to `index_definition`.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{INDEX_BUILDS, INDEX_COLUMNS, INDEX_USAGE, INDEXES};
use super::{relations, time};
use crate::db::{Failure, Transaction};
use crate::pg::{AccessMethod, Oid};
use crate::snapshot::IndexUsage;

/// What `pg_index` and `pg_class` say of an index.
pub(super) struct ReadIndex {
    pub oid: Oid,
    pub name: String,
    pub access_method: AccessMethod,
    pub is_unique: bool,
    pub nulls_not_distinct: bool,
    pub is_valid: bool,
    pub is_ready: bool,
    pub is_live: bool,
    pub is_primary: bool,
    pub is_exclusion: bool,
    pub is_replica_identity: bool,
    pub is_clustered: bool,
    pub constraint: Option<String>,
    pub parent: Option<Oid>,
    pub options: Vec<String>,
    pub tablespace: Option<String>,
    pub n_pages: u64,
    pub n_rows: Option<f64>,
    pub has_predicate: bool,
    pub columns: Vec<ReadIndexColumn>,
    pub usage: Option<IndexUsage>,
    pub is_being_built: bool,
}

/// One column of an index.
pub(super) struct ReadIndexColumn {
    /// Whether it is a key column rather than an INCLUDE column.
    pub is_key: bool,
    /// The relation's column; `None` for an expression.
    pub column: Option<String>,
    /// The name that its statistics are kept under.
    pub statistics_name: String,
    pub descending: bool,
    pub nulls_first: bool,
    /// The operator class, where it is not the default.
    pub opclass: Option<String>,
    /// 0 where the column has none.
    pub collation: Oid,
    pub collation_name: Option<String>,
}

impl ReadIndex {
    /// Whether an expression or a predicate is to be read apart.
    pub fn has_expressions(&self) -> bool {
        self.has_predicate || self.columns.iter().any(|column| column.column.is_none())
    }
}

/// The indexes of `relations`, by name.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    major: u32,
) -> Result<BTreeMap<Oid, Vec<ReadIndex>>, Failure> {
    let mut columns = read_columns(transaction, relations)?;
    let mut usage = read_usage(transaction, relations)?;
    let builds = Builds::read(transaction)?;
    let mut indexes: BTreeMap<Oid, Vec<ReadIndex>> = BTreeMap::new();
    for row in transaction.query(&INDEXES, &[&relations])? {
        let (oid, relation): (Oid, Oid) = (row.get("oid")?, row.get("relation")?);
        let (is_valid, is_ready): (bool, bool) = (row.get("is_valid")?, row.get("is_ready")?);
        // Without its columns it was created after those were read.
        let Some(columns) = columns.remove(&oid) else { continue };
        let n_pages = relations::blocks(row.get("n_pages")?);
        let index = ReadIndex {
            oid,
            name: row.text("name")?,
            access_method: AccessMethod::from(row.text("access_method")?),
            is_unique: row.get("is_unique")?,
            nulls_not_distinct: row.get("nulls_not_distinct")?,
            is_valid,
            is_ready,
            is_live: row.get("is_live")?,
            is_primary: row.get("is_primary")?,
            is_exclusion: row.get("is_exclusion")?,
            is_replica_identity: row.get("is_replica_identity")?,
            is_clustered: row.get("is_clustered")?,
            constraint: row.optional_text("constraint_name")?,
            parent: row.optional("parent")?,
            options: row.texts("options")?,
            tablespace: row.optional_text("tablespace")?,
            n_pages,
            n_rows: relations::rows(row.get("n_rows")?, n_pages, major),
            has_predicate: row.get("has_predicate")?,
            columns,
            usage: usage.remove(&oid),
            is_being_built: builds.is_building(oid, relation, is_valid && is_ready),
        };
        indexes.entry(relation).or_default().push(index);
    }
    for list in indexes.values_mut() {
        list.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(indexes)
}

fn read_columns(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> Result<BTreeMap<Oid, Vec<ReadIndexColumn>>, Failure> {
    let mut columns: BTreeMap<Oid, Vec<ReadIndexColumn>> = BTreeMap::new();
    for row in transaction.query(&INDEX_COLUMNS, &[&relations])? {
        let column = ReadIndexColumn {
            is_key: row.get("is_key")?,
            column: row.optional_text("column_name")?,
            statistics_name: row.text("statistics_name")?,
            descending: row.get("descending")?,
            nulls_first: row.get("nulls_first")?,
            opclass: row.optional_text("opclass")?,
            collation: row.get("collation_oid")?,
            collation_name: row.optional_text("collation")?,
        };
        columns.entry(row.get("index")?).or_default().push(column);
    }
    Ok(columns)
}

/// How often the indexes of `relations` were used.
pub(super) fn read_usage(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> Result<BTreeMap<Oid, IndexUsage>, Failure> {
    let mut usage = BTreeMap::new();
    for row in transaction.query(&INDEX_USAGE, &[&relations])? {
        let counters = IndexUsage {
            n_scans: row.optional("n_scans")?.unwrap_or_default(),
            n_entries_read: row.optional("n_entries_read")?.unwrap_or_default(),
            n_rows_fetched: row.optional("n_rows_fetched")?.unwrap_or_default(),
            last_scan: time::of_row(&row, "last_scan")?,
        };
        usage.insert(row.get("index")?, counters);
    }
    Ok(usage)
}

/// The index builds that run at the moment.
struct Builds {
    indexes: BTreeSet<Oid>,
    /// Relations that an index is built on, where the role may not see which one.
    relations: BTreeSet<Oid>,
}

impl Builds {
    fn read(transaction: &mut Transaction<'_>) -> Result<Self, Failure> {
        let mut builds = Self { indexes: BTreeSet::new(), relations: BTreeSet::new() };
        for row in transaction.query(&INDEX_BUILDS, &[])? {
            match (row.optional("index")?, row.optional("relation")?) {
                (Some(index), _) => builds.indexes.insert(index),
                (None, Some(relation)) => builds.relations.insert(relation),
                (None, None) => false,
            };
        }
        Ok(builds)
    }

    /// On a relation where some index is being built, an index that is complete is not that one.
    fn is_building(&self, index: Oid, relation: Oid, is_complete: bool) -> bool {
        self.indexes.contains(&index) || (!is_complete && self.relations.contains(&relation))
    }
}
