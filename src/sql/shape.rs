//! The shape of a statement: which relations it reads, and by which quals, joins and orders. Data only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::pg::{IndexTarget, Oid};

/// What a statement asks of the relations that it names, with names resolved, views expanded and CTEs followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// What the statement does.
    pub kind: StatementKind,
    /// Every use of a stored relation; a relation that is joined to itself is used twice.
    pub scans: Vec<Scan>,
    /// Comparisons between two of the scans: join conditions, correlated quals of subqueries.
    pub joins: Vec<JoinQual>,
    /// Whether this was read from the text, or from the plan because the text was beyond the parser.
    pub is_from_plan: bool,
}

/// The command of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// SELECT, VALUES, TABLE.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
}

/// One use of a relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// The relation.
    pub relation: Oid,
    /// The name that the statement knows it by, unquoted.
    pub alias: String,
    /// The query block (SELECT) that reads it: scans of one block are joined to each other. 0 is the outermost.
    pub block: usize,
    /// Whether it is what an INSERT, UPDATE, DELETE or MERGE changes. An INSERT's target is listed although it is not
    /// read.
    pub is_target: bool,
    /// The quals on this relation alone, all of which must hold.
    pub quals: Vec<Qual>,
    /// Disjunctions on this relation alone: every group must hold, and does when one of its arms does.
    pub or_groups: Vec<Vec<OrArm>>,
    /// Row comparisons: `(created_at, id) < ($1, $2)`.
    pub row_comparisons: Vec<RowComparison>,
    /// How many further conditions there are on this relation alone that no index can answer as they stand: their
    /// expression holds a parameter (`data ->> $1 = $2`), is not immutable, or compares two columns.
    #[serde(default)]
    pub n_other_quals: u32,
    /// Those among the others that an index could answer if they were written differently, with what is compared as it
    /// stands: `to_tsvector(body) @@ $1`, `$1 = ANY (tags)` (whose comparison is the operator `= ANY`).
    #[serde(default)]
    pub unindexable: Vec<Qual>,
    /// The block's ORDER BY, when all of it is over this scan; empty otherwise. Keys that are fixed by an equality
    /// are still in it. Where there is no ORDER BY but one window: its PARTITION BY and ORDER BY.
    pub order: Vec<KeyOrder>,
    /// The distance that the block's ORDER BY starts with, ascending: `ORDER BY place <-> $1`.
    #[serde(default)]
    pub nearest: Option<Distance>,
    /// The block's DISTINCT ON or GROUP BY or DISTINCT keys, when all of them are over this scan; any order serves.
    pub group: Vec<IndexTarget>,
    /// The block's LIMIT, when nothing but this scan's quals and order stand between it and the rows, or outer joins
    /// that keep every row of it.
    pub limit: Option<Limit>,
    /// Columns whose smallest or largest value is all that the block asks for: `SELECT max(created_at)`.
    pub extremes: Vec<IndexTarget>,
    /// Every column that the statement reads from this scan, wherever it stands.
    pub columns_read: BTreeSet<String>,
    /// Whether it needs whole rows (`SELECT *`, row references), or changes or locks them.
    pub needs_whole_row: bool,
    /// The columns that an UPDATE or ON CONFLICT DO UPDATE sets.
    pub columns_set: BTreeSet<String>,
}

impl Scan {
    /// A scan of `relation` as `alias` in `block`, with nothing known of it.
    pub fn new(relation: Oid, alias: impl Into<String>, block: usize) -> Self {
        Self {
            relation,
            alias: alias.into(),
            block,
            is_target: false,
            quals: Vec::new(),
            or_groups: Vec::new(),
            row_comparisons: Vec::new(),
            n_other_quals: 0,
            unindexable: Vec::new(),
            order: Vec::new(),
            nearest: None,
            group: Vec::new(),
            limit: None,
            extremes: Vec::new(),
            columns_read: BTreeSet::new(),
            needs_whole_row: false,
            columns_set: BTreeSet::new(),
        }
    }
}

/// One condition on one column or expression of one scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Qual {
    /// What is compared.
    pub target: IndexTarget,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub comparand: Comparand,
}

/// How a qual compares, with the target on the left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `=`, `IS TRUE` and `IS FALSE` among it; `IS NOT DISTINCT FROM` is not.
    Equal,
    /// `IN (…)`, `= ANY (…)`, and `=` with the output of something that is no scan: a function in FROM, VALUES, a
    /// materialized WITH query, a grouped or limited subquery.
    In,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `LIKE` with a pattern that may start with fixed text (a parameter, or a literal that does).
    LikePrefix,
    /// `LIKE` with a pattern that starts with a wildcard, and `ILIKE`, `~`, `SIMILAR TO`.
    Pattern,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
    /// A boolean that must be true: `active`, `active = true`. Not `IS TRUE`, which partial indexes do not match.
    IsTrue,
    /// A boolean that must be false: `NOT active`, `active = false`.
    IsFalse,
    /// `<>`, `NOT IN`, `NOT LIKE`, `IS DISTINCT FROM`: no index condition.
    NotEqual,
    /// Any other operator, by its name: `@>`, `&&`, `?|`.
    Operator(String),
}

impl Comparison {
    /// Whether a btree can stop at a single value per descent: `=`, `IN`, `IS NULL`, boolean tests.
    pub fn is_equality(&self) -> bool {
        matches!(self, Self::Equal | Self::In | Self::IsNull | Self::IsTrue | Self::IsFalse)
    }

    /// Whether a btree answers it with one range.
    pub fn is_range(&self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

/// The other side of a qual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparand {
    /// `$n`.
    Parameter(u32),
    /// Constants written in the statement, as SQL: what the application really sends.
    Literal(String),
    /// A list of parameters or constants (`IN`), with their number.
    List(u32),
    /// An expression that is fixed for the whole scan: `now() - interval '1 day'`, `lower($1)`, an uncorrelated subquery.
    Stable(String),
    /// Nothing to compare with: `IS NULL`, boolean tests.
    None,
}

/// One arm of an OR: the quals that must all hold for it.
pub type OrArm = Vec<Qual>;

/// `(a, b) < ($1, $2)`: a range over several keys at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowComparison {
    /// The keys on the left.
    pub targets: Vec<IndexTarget>,
    /// One of the four range comparisons.
    pub comparison: Comparison,
}

/// A sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOrder {
    /// What is sorted by.
    pub target: IndexTarget,
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST`, the default for `DESC`.
    pub nulls_first: bool,
}

/// A distance from something that is fixed for the whole scan, by which rows are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distance {
    /// What is far or near.
    pub target: IndexTarget,
    /// The operator that measures it, with the target on the left: `<->`.
    pub operator: String,
}

/// LIMIT and OFFSET of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The number of rows; `None` when it is a parameter.
    pub n_rows: Option<u64>,
    /// Whether there is an OFFSET other than a literal 0.
    pub has_offset: bool,
}

/// A comparison between two scans. A side that is no plain column may be an expression that no index can be built on
/// (`b.id + $1`): ask [`super::is_indexable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinQual {
    /// Index of the left scan in [`Shape::scans`].
    pub left_scan: usize,
    /// What is compared on the left.
    pub left: IndexTarget,
    /// How: `Equal`, or a range.
    pub comparison: Comparison,
    /// Index of the right scan.
    pub right_scan: usize,
    /// What is compared on the right.
    pub right: IndexTarget,
    /// What kind of join it belongs to.
    pub kind: JoinKind,
}

/// The kind of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// Inner, or the comma.
    Inner,
    /// LEFT, RIGHT or FULL.
    Outer,
    /// `EXISTS`, `IN (SELECT …)`.
    Semi,
    /// `NOT EXISTS`, `NOT IN (SELECT …)`.
    Anti,
    /// A correlated scalar subquery or LATERAL: the right side runs once for each row of the left.
    PerRow,
}
