//! Expressions of the tree.

use super::{Query, SortKey, Window};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// A column, or an alias, as written: up to schema, relation, column.
    Column(Vec<String>),
    /// A column of a scan, once names are resolved.
    ScanColumn {
        /// Index of the scan.
        scan: usize,
        /// The column.
        column: String,
    },
    /// Something that names no scan's column any more: the output of a fence, a whole row.
    Opaque(String),
    /// An output that quals against constants reach although joins do not: what it is inside, for each arm.
    Behind(Vec<Expr>),
    /// `*`, `t.*` as an argument.
    Star(Vec<String>),
    /// A constant, as SQL: `'x'`, `12`, `true`, `NULL`.
    Literal(String),
    /// `$n`
    Parameter(u32),
    /// AND of two or more.
    And(Vec<Expr>),
    /// OR of two or more.
    Or(Vec<Expr>),
    /// NOT
    Not(Box<Expr>),
    /// A binary operator, LIKE and its kin by their operators (`~~`).
    Binary {
        /// The operator's name.
        op: String,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// A prefix operator.
    Prefix {
        /// The operator's name.
        op: String,
        /// The operand.
        expr: Box<Expr>,
    },
    /// `IN (…)`
    In {
        /// What is tested.
        expr: Box<Expr>,
        /// The list.
        list: Vec<Expr>,
        /// NOT.
        is_negated: bool,
    },
    /// `expr op ANY (array)`, `expr op ALL (array)`
    Any {
        /// What is compared.
        expr: Box<Expr>,
        /// The operator's name.
        op: String,
        /// ALL rather than ANY.
        is_all: bool,
        /// The array.
        array: Box<Expr>,
    },
    /// `IS [NOT] NULL`, `IS [NOT] TRUE`, …
    Is {
        /// What is tested.
        expr: Box<Expr>,
        /// Against what.
        test: Test,
        /// NOT.
        is_negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM`
    Distinct {
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// NOT.
        is_negated: bool,
    },
    /// A cast.
    Cast {
        /// What is cast.
        expr: Box<Expr>,
        /// The type, in one spelling: `text`, `timestamp with time zone`, `numeric(10,2)`, `integer[]`.
        type_name: String,
    },
    /// COLLATE.
    Collate {
        /// What is collated.
        expr: Box<Expr>,
        /// The collation, as SQL.
        collation: String,
    },
    /// A function call, aggregates and window functions among them.
    Function(Box<Call>),
    /// CASE.
    Case {
        /// The operand of the simple form.
        operand: Option<Box<Expr>>,
        /// WHEN … THEN ….
        branches: Vec<(Expr, Expr)>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// `ROW (…)`, `(a, b)`
    Row(Vec<Expr>),
    /// `ARRAY[…]`
    Array(Vec<Expr>),
    /// `a[1]`, `a[1:2]`
    Subscript {
        /// The array.
        expr: Box<Expr>,
        /// The bounds.
        bounds: Vec<Expr>,
        /// Whether it is a slice.
        is_slice: bool,
    },
    /// `(row).field`
    Field {
        /// The row.
        expr: Box<Expr>,
        /// The field.
        field: String,
    },
    /// A scalar subquery, or ARRAY(SELECT …).
    Subquery {
        /// It.
        query: Box<Query>,
        /// ARRAY.
        is_array: bool,
    },
    /// EXISTS.
    Exists {
        /// The query.
        query: Box<Query>,
        /// NOT.
        is_negated: bool,
    },
    /// `expr IN (SELECT …)`, `expr op ANY (SELECT …)`
    InQuery {
        /// What is compared.
        expr: Box<Expr>,
        /// The operator: `=` for IN.
        op: String,
        /// The query.
        query: Box<Query>,
        /// NOT IN, `<> ALL`.
        is_negated: bool,
    },
    /// ROLLUP, CUBE and GROUPING SETS in GROUP BY.
    GroupingSets(Vec<Expr>),
}

/// What IS tests against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// NULL
    Null,
    /// TRUE
    True,
    /// FALSE
    False,
    /// UNKNOWN
    Unknown,
}

/// A function call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Call {
    /// The name, with its schema where given; `pg_catalog` is left out.
    pub name: Vec<String>,
    /// The arguments.
    pub args: Vec<Expr>,
    /// DISTINCT in an aggregate.
    pub is_distinct: bool,
    /// ORDER BY in an aggregate.
    pub order: Vec<SortKey>,
    /// WITHIN GROUP.
    pub within_group: Vec<SortKey>,
    /// FILTER.
    pub filter: Option<Expr>,
    /// OVER.
    pub over: Option<Window>,
}

impl Expr {
    /// A call of `name` with `args` and nothing else.
    pub fn call(name: &str, args: Vec<Expr>) -> Self {
        Self::Function(Box::new(Call { name: vec![name.to_owned()], args, ..Call::default() }))
    }

    /// `left op right`
    pub fn binary(op: &str, left: Expr, right: Expr) -> Self {
        Self::Binary { op: op.to_owned(), left: Box::new(left), right: Box::new(right) }
    }

    /// Every direct part of it that is an expression; queries inside are not entered, nor what is behind a fence.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Column(_) | Self::ScanColumn { .. } | Self::Opaque(_) | Self::Star(_) | Self::Literal(_) => {
                Vec::new()
            }
            Self::Parameter(_) | Self::Subquery { .. } | Self::Exists { .. } | Self::Behind(_) => Vec::new(),
            Self::And(parts) | Self::Or(parts) | Self::Row(parts) | Self::Array(parts) => parts.iter().collect(),
            Self::GroupingSets(parts) => parts.iter().collect(),
            Self::Not(expr) | Self::Prefix { expr, .. } | Self::Is { expr, .. } | Self::Cast { expr, .. } => vec![expr],
            Self::Collate { expr, .. } | Self::Field { expr, .. } | Self::InQuery { expr, .. } => vec![expr],
            Self::Binary { left, right, .. } | Self::Distinct { left, right, .. } => vec![left, right],
            Self::In { expr, list, .. } => std::iter::once(&**expr).chain(list).collect(),
            Self::Any { expr, array, .. } => vec![expr, array],
            Self::Subscript { expr, bounds, .. } => std::iter::once(&**expr).chain(bounds).collect(),
            Self::Case { operand, branches, otherwise } => {
                let branches = branches.iter().flat_map(|(when, then)| [when, then]);
                operand.iter().map(|expr| &**expr).chain(branches).chain(otherwise.iter().map(|expr| &**expr)).collect()
            }
            Self::Function(call) => call.children(),
        }
    }

    /// Whether `found` holds for it or for any part of it.
    pub fn any(&self, found: &mut dyn FnMut(&Expr) -> bool) -> bool {
        found(self) || self.children().into_iter().any(|child| child.any(found))
    }
}

impl Call {
    /// The name without its schema.
    pub fn base_name(&self) -> &str {
        self.name.last().map_or("", String::as_str)
    }

    fn children(&self) -> Vec<&Expr> {
        let keys = self.order.iter().chain(&self.within_group).map(|key| &key.expr);
        let window =
            self.over.iter().flat_map(|window| window.partition.iter().chain(window.order.iter().map(|key| &key.expr)));
        self.args.iter().chain(keys).chain(&self.filter).chain(window).collect()
    }
}
