//! A statement as a small tree of pgadvise's own: names folded, parentheses gone, synonyms unified. It says what a
//! statement means for planning and nothing of how it was spelt; `lower` makes it, everything else reads it.

mod expr;

pub(crate) use expr::{Call, Expr, Test};

use super::StatementKind;

/// A plannable statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    /// SELECT, VALUES, TABLE and set operations.
    Query(Query),
    /// INSERT.
    Insert(Insert),
    /// UPDATE.
    Update(Update),
    /// DELETE.
    Delete(Delete),
    /// MERGE.
    Merge(Merge),
}

impl Statement {
    /// Its command; a WITH query is what its outermost statement is.
    pub fn kind(&self) -> StatementKind {
        match self {
            Self::Query(query) => match &query.body {
                Body::Statement(statement) => statement.kind(),
                _ => StatementKind::Select,
            },
            Self::Insert(_) => StatementKind::Insert,
            Self::Update(_) => StatementKind::Update,
            Self::Delete(_) => StatementKind::Delete,
            Self::Merge(_) => StatementKind::Merge,
        }
    }
}

/// A query expression with its WITH, ORDER BY, LIMIT and locks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    /// WITH, in order.
    pub ctes: Vec<Cte>,
    /// `WITH RECURSIVE`.
    pub is_recursive: bool,
    /// What it selects.
    pub body: Body,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// LIMIT or FETCH FIRST.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// FOR UPDATE, FOR SHARE and their kin.
    pub locks: Vec<Lock>,
}

/// One lock clause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lock {
    /// `OF alias`; every relation of the block where absent.
    pub of: Option<String>,
}

/// One WITH query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cte {
    /// Its name.
    pub name: String,
    /// The names given to its columns.
    pub columns: Vec<String>,
    /// MATERIALIZED or NOT MATERIALIZED, where it says so.
    pub materialized: Option<bool>,
    /// What it is.
    pub query: Box<Query>,
}

/// What a query selects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// SELECT.
    Select(Box<Select>),
    /// A query in parentheses, with an ORDER BY or LIMIT of its own.
    Query(Box<Query>),
    /// UNION, INTERSECT, EXCEPT: chains of one operator are one list.
    Set {
        /// Which.
        op: SetOp,
        /// ALL.
        is_all: bool,
        /// The operands, left to right.
        arms: Vec<Body>,
    },
    /// VALUES.
    Values(Vec<Vec<Expr>>),
    /// A data-modifying statement in a WITH query, or below a WITH.
    Statement(Box<Statement>),
}

/// A set operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOp {
    /// UNION
    Union,
    /// INTERSECT
    Intersect,
    /// EXCEPT
    Except,
}

/// A SELECT without what belongs to the query around it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Select {
    /// DISTINCT, DISTINCT ON.
    pub distinct: Distinct,
    /// The select list.
    pub items: Vec<Item>,
    /// FROM; the comma joins.
    pub from: Vec<From>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group: Vec<Expr>,
    /// Whether GROUP BY has GROUPING SETS, ROLLUP or CUBE.
    pub has_grouping_sets: bool,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW.
    pub windows: Vec<(String, Window)>,
}

/// DISTINCT.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Distinct {
    /// Absent.
    #[default]
    No,
    /// DISTINCT.
    Rows,
    /// DISTINCT ON.
    On(Vec<Expr>),
}

/// One item of a select list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// `*`, `t.*`, `s.t.*`.
    Star(Vec<String>),
    /// An expression.
    Expr {
        /// It.
        expr: Expr,
        /// Its name, where AS gives one.
        alias: Option<String>,
    },
}

/// One item of FROM.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum From {
    /// A relation or a WITH query by name.
    Relation {
        /// Schema (optional) and name.
        path: Vec<String>,
        /// AS, with column names.
        alias: Option<Alias>,
        /// TABLESAMPLE: such a scan uses no index.
        is_sampled: bool,
    },
    /// A query in parentheses.
    Query {
        /// LATERAL.
        is_lateral: bool,
        /// It.
        query: Box<Query>,
        /// AS, with column names.
        alias: Option<Alias>,
    },
    /// Functions that return rows; they scan no relation.
    Function {
        /// The function's name.
        name: String,
        /// Every expression among the arguments.
        args: Vec<Expr>,
        /// AS, with column names.
        alias: Option<Alias>,
    },
    /// A join.
    Join {
        /// Left side.
        left: Box<From>,
        /// Right side.
        right: Box<From>,
        /// INNER, LEFT, RIGHT, FULL; CROSS is inner without condition.
        kind: Join,
        /// ON, USING, NATURAL.
        condition: JoinCondition,
        /// The alias of a parenthesised join.
        alias: Option<Alias>,
    },
}

/// An alias of a FROM item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alias {
    /// The name.
    pub name: String,
    /// New names for its columns.
    pub columns: Vec<String>,
}

/// A join's kind as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    /// INNER, CROSS.
    Inner,
    /// LEFT.
    Left,
    /// RIGHT.
    Right,
    /// FULL.
    Full,
}

/// How a join is conditioned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JoinCondition {
    /// CROSS JOIN.
    None,
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<String>),
    /// NATURAL.
    Natural,
}

/// One key of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    /// What is sorted by.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST, the default for DESC.
    pub nulls_first: bool,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Window {
    /// The named window that it extends or is.
    pub base: Option<String>,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY.
    pub order: Vec<SortKey>,
    /// Whether it has a frame clause.
    pub has_frame: bool,
}

/// INSERT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Insert {
    /// Schema (optional) and name.
    pub path: Vec<String>,
    /// AS.
    pub alias: Option<String>,
    /// The column list; empty where absent.
    pub columns: Vec<String>,
    /// VALUES or SELECT; `None` for DEFAULT VALUES.
    pub source: Option<Box<Query>>,
    /// ON CONFLICT.
    pub on_conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<Item>,
}

/// ON CONFLICT.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OnConflict {
    /// What DO UPDATE sets; empty for DO NOTHING.
    pub set: Vec<SetColumn>,
    /// The WHERE of DO UPDATE.
    pub filter: Option<Expr>,
}

/// One assignment: several columns for `(a, b) = …`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetColumn {
    /// The columns.
    pub columns: Vec<String>,
    /// The value.
    pub value: Expr,
}

/// UPDATE.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Update {
    /// The target.
    pub target: From,
    /// SET.
    pub set: Vec<SetColumn>,
    /// FROM.
    pub from: Vec<From>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Item>,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delete {
    /// The target.
    pub target: From,
    /// USING.
    pub using: Vec<From>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Item>,
}

/// MERGE.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merge {
    /// The target.
    pub target: From,
    /// USING.
    pub source: From,
    /// ON.
    pub on: Expr,
    /// WHEN clauses.
    pub actions: Vec<MergeAction>,
    /// RETURNING.
    pub returning: Vec<Item>,
}

/// One WHEN clause of MERGE.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MergeAction {
    /// Whether it runs for source rows without a match (NOT MATCHED [BY TARGET]).
    pub is_for_unmatched: bool,
    /// Whether it runs for target rows without a match (NOT MATCHED BY SOURCE).
    pub is_for_unmatched_target: bool,
    /// AND.
    pub condition: Option<Expr>,
    /// What an UPDATE sets.
    pub set: Vec<SetColumn>,
    /// The columns that an INSERT names.
    pub insert_columns: Vec<String>,
    /// The values that it inserts.
    pub insert_values: Vec<Expr>,
    /// Whether it deletes.
    pub is_delete: bool,
}
