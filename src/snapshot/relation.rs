//! Relations with their columns, constraints and write counters.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ColumnDefault, ColumnStatistics, Declaration, ExtendedStatistics, Index};
use crate::pg::{Bytes, Oid, RelationName, text};

/// A relation that statements can name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Relation {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Schema and name.
    pub name: RelationName,
    /// What kind of relation it is.
    pub kind: RelationKind,
    /// Permanent, unlogged or temporary.
    pub persistence: Persistence,
    /// The owner's role name.
    pub owner: String,
    /// The extension that owns it, if one does: no advice is given for such a relation.
    pub extension: Option<String>,
    /// Whether it is a partition of `parent`.
    pub is_partition: bool,
    /// The partitioned table or the inheritance parent.
    pub parent: Option<Oid>,
    /// `pg_get_partkeydef` of a partitioned table: `RANGE (created_at)`.
    pub partition_key: Option<String>,
    /// Whether row level security is enabled.
    pub has_row_security: bool,
    /// Whether the reading role may SELECT from it, hence EXPLAIN statements on it.
    pub can_select: bool,
    /// Whether another session held an ACCESS EXCLUSIVE lock on it (or on what a view reads) while it was read: then
    /// expressions, predicates and its size may be missing here, and a gap says so.
    #[serde(default)]
    pub is_locked: bool,
    /// Storage parameters as `name=value`.
    pub options: Vec<String>,
    /// `pg_class.relpages`: blocks at the last VACUUM or ANALYZE; where there was none, blocks now.
    pub n_pages: u64,
    /// `relpages` where `n_pages` is blocks now instead.
    #[serde(default)]
    pub n_pages_counted: Option<u64>,
    /// Blocks now (`pg_relation_size`), which is what the planner counts with; `None` without storage, and where the
    /// relation was locked.
    #[serde(default)]
    pub n_blocks: Option<u64>,
    /// The tablespace; `None` for the database's own.
    #[serde(default)]
    pub tablespace: Option<String>,
    /// `pg_class.reltuples`: rows at the last VACUUM or ANALYZE; `None` when never analysed.
    pub n_rows: Option<f64>,
    /// `pg_class.relallvisible`.
    pub n_all_visible_pages: u64,
    /// The columns by attribute number, dropped ones left out.
    pub columns: Vec<Column>,
    /// The indexes, by name.
    pub indexes: Vec<Index>,
    /// Constraints, by name; check constraints included.
    pub constraints: Vec<Constraint>,
    /// `CREATE STATISTICS` objects, by name.
    pub extended_statistics: Vec<ExtendedStatistics>,
    /// Scan and write counters; `None` for relations without storage.
    pub activity: Option<RelationActivity>,
    /// `pg_get_viewdef` of a view or materialized view.
    pub view_definition: Option<String>,
    /// Parents, bounds, policies, rules.
    #[serde(default)]
    pub declaration: Declaration,
}

impl Relation {
    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The relation's size from `relpages`.
    pub fn bytes(&self) -> Bytes {
        Bytes::of_blocks(self.n_pages)
    }

    /// Whether the reading role could not see the statistics that the planner has of it: without SELECT, and behind row
    /// level security, `pg_stats` shows none.
    pub fn hides_statistics(&self) -> bool {
        let has_none = || self.columns.iter().all(|column| column.best_statistics().is_none());
        !self.can_select || (self.has_row_security && self.n_rows.is_some_and(|n_rows| n_rows > 0.0) && has_none())
    }

    /// Whether an index can be created on it by advice: tables, partitioned tables and materialized views that no
    /// extension owns, that outlive the session, that were read whole and whose names can be written in SQL.
    pub fn is_indexable(&self) -> bool {
        matches!(self.kind, RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView)
            && self.extension.is_none()
            && self.persistence != Persistence::Temporary
            && !self.is_locked
            && text::is_representable(&self.name.schema)
            && text::is_representable(&self.name.name)
            && self.columns.iter().all(|column| text::is_representable(&column.name))
    }
}

/// `pg_class.relkind`, of the relations that statements can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// An ordinary table (`r`), a partition among them.
    Table,
    /// A partitioned table (`p`).
    PartitionedTable,
    /// A materialized view (`m`).
    MaterializedView,
    /// A view (`v`).
    View,
    /// A foreign table (`f`).
    ForeignTable,
}

impl RelationKind {
    /// From `pg_class.relkind`; `None` for kinds that statements do not read (indexes, sequences, TOAST).
    pub fn from_code(code: char) -> Option<Self> {
        Some(match code {
            'r' => Self::Table,
            'p' => Self::PartitionedTable,
            'm' => Self::MaterializedView,
            'v' => Self::View,
            'f' => Self::ForeignTable,
            _ => return None,
        })
    }
}

/// `pg_class.relpersistence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// Logged and permanent (`p`).
    Permanent,
    /// Unlogged (`u`).
    Unlogged,
    /// Temporary (`t`).
    Temporary,
}

impl Persistence {
    /// From `pg_class.relpersistence`.
    pub fn from_code(code: char) -> Option<Self> {
        Some(match code {
            'p' => Self::Permanent,
            'u' => Self::Unlogged,
            't' => Self::Temporary,
            _ => return None,
        })
    }
}

/// A column.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// `attnum`.
    pub number: i16,
    /// Its name, unquoted.
    pub name: String,
    /// Its type with modifiers, as `format_type` prints it: `character varying(255)`.
    pub type_sql: String,
    /// The type that operators see: domains are followed down to their base type.
    pub base_type: TypeName,
    /// `NOT NULL`.
    pub is_not_null: bool,
    /// What its `NOT NULL` does not do (18 and later).
    #[serde(default)]
    pub not_null_limit: Option<NotNullLimit>,
    /// Whether it is a generated column or an identity.
    pub is_generated: bool,
    /// Its default, generation expression or identity; `None` where a generation expression could not be read.
    #[serde(default)]
    pub default: Option<ColumnDefault>,
    /// The collation, quoted and qualified, when it is not the type's default.
    pub collation: Option<String>,
    /// Whether its values compare byte by byte, so that `LIKE 'x%'` can use an index of the default operator class
    /// (the collation is C or POSIX, or the type has no collation).
    pub collation_is_c: bool,
    /// Whether its type has a default btree operator class.
    pub has_btree_opclass: bool,
    /// Planner statistics of the column over its own rows; `None` when never analysed or not readable.
    pub statistics: Option<ColumnStatistics>,
    /// The same over the relation and its children (`inherited`), for partitioned tables.
    pub inherited_statistics: Option<ColumnStatistics>,
}

impl Column {
    /// The statistics that describe the relation as statements see it: inherited ones where there are any.
    pub fn best_statistics(&self) -> Option<&ColumnStatistics> {
        self.inherited_statistics.as_ref().or(self.statistics.as_ref())
    }
}

/// What a `NOT NULL` constraint does not do, since it is one with options of its own (18 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotNullLimit {
    /// It was never checked for the rows that were there (`NOT VALID`), so that the planner does not rely on it.
    NotValid,
    /// It does not hold for children (`NO INHERIT`).
    NoInherit,
}

/// A data type by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypeName {
    /// The schema.
    pub schema: String,
    /// `typname`: `int4`, `varchar`, `_text`.
    pub name: String,
    /// `typcategory`: `N` numeric, `S` string, `D` date and time, `B` boolean, `A` array, `E` enum, `R` range …
    pub category: char,
    /// `typlen`: bytes, or −1 for variable length.
    pub length: i16,
}

/// A constraint of a relation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Constraint {
    /// `conname`.
    pub name: String,
    /// What it demands.
    pub kind: ConstraintKind,
    /// The constrained columns, in the constraint's order.
    pub columns: Vec<String>,
    /// What a foreign key refers to.
    pub foreign_key: Option<ForeignKey>,
    /// The index that enforces it.
    pub index: Option<Oid>,
    /// Whether it is the copy that a partition inherits from its parent (`conparentid <> 0`).
    pub is_inherited_copy: bool,
    /// Whether every row is known to fulfil it (`convalidated`; false for NOT VALID and NOT ENFORCED).
    pub is_validated: bool,
    /// The expression of a check constraint; `None` for other kinds, and where the relation was locked.
    pub expression: Option<String>,
    /// `pg_get_constraintdef`; `None` where the relation was locked, and for inherited copies of foreign keys.
    #[serde(default)]
    pub definition: Option<String>,
}

/// `pg_constraint.contype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintKind {
    /// `p`
    PrimaryKey,
    /// `u`
    Unique,
    /// `f`
    ForeignKey,
    /// `x`
    Exclusion,
    /// `c`
    Check,
}

impl ConstraintKind {
    /// From `pg_constraint.contype`; `None` for kinds that advice does not look at.
    pub fn from_code(code: char) -> Option<Self> {
        Some(match code {
            'p' => Self::PrimaryKey,
            'u' => Self::Unique,
            'f' => Self::ForeignKey,
            'x' => Self::Exclusion,
            'c' => Self::Check,
            _ => return None,
        })
    }
}

/// What a foreign key refers to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ForeignKey {
    /// The referenced relation.
    pub relation: Oid,
    /// Its columns, in the order of the referencing ones.
    pub columns: Vec<String>,
    /// The index on the referenced relation that the constraint relies on.
    pub referenced_index: Option<Oid>,
    /// `ON DELETE`.
    pub on_delete: ForeignKeyAction,
    /// `ON UPDATE`.
    pub on_update: ForeignKeyAction,
}

/// What happens to referencing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForeignKeyAction {
    /// `a`
    NoAction,
    /// `r`
    Restrict,
    /// `c`
    Cascade,
    /// `n`
    SetNull,
    /// `d`
    SetDefault,
}

impl ForeignKeyAction {
    /// From `pg_constraint.confdeltype` or `confupdtype`.
    pub fn from_code(code: char) -> Option<Self> {
        Some(match code {
            'a' => Self::NoAction,
            'r' => Self::Restrict,
            'c' => Self::Cascade,
            'n' => Self::SetNull,
            'd' => Self::SetDefault,
            _ => return None,
        })
    }
}

/// Counters of `pg_stat_all_tables` since the last reset of the statistics.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RelationActivity {
    /// Sequential scans started.
    pub n_seq_scans: i64,
    /// Rows that sequential scans fetched.
    pub n_seq_rows_read: i64,
    /// Index scans started.
    pub n_index_scans: i64,
    /// Rows that index scans fetched.
    pub n_index_rows_fetched: i64,
    /// Rows inserted.
    pub n_rows_inserted: i64,
    /// Rows updated, HOT updates included.
    pub n_rows_updated: i64,
    /// Rows updated without touching an index.
    pub n_rows_hot_updated: i64,
    /// Rows deleted.
    pub n_rows_deleted: i64,
    /// Estimated live rows.
    pub n_live_rows: i64,
    /// Estimated dead rows.
    pub n_dead_rows: i64,
    /// Rows changed since the last ANALYZE.
    pub n_modified_since_analyze: i64,
    /// The last ANALYZE, by hand or by autovacuum.
    pub last_analyze: Option<Timestamp>,
    /// The last VACUUM, by hand or by autovacuum.
    pub last_vacuum: Option<Timestamp>,
}
