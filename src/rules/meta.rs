//! What a rule says of itself: id, severity, needs and documentation, all from one declaration.

use super::Severity;

/// A rule's declaration. Its doc comment is its documentation: the docs page, `pgadvise explain` and rustdoc show the
/// same text.
#[derive(Debug)]
pub struct RuleMeta {
    /// The one spelling of the rule: file, fixture, docs page, JSON `rule`.
    pub id: &'static str,
    /// The severity that its findings have unless they say otherwise.
    pub severity: Severity,
    /// What it has to know to judge at all.
    pub needs: &'static [Need],
    /// The doc comment, as Markdown: a first sentence, then headed sections.
    pub doc: &'static str,
}

impl RuleMeta {
    /// The first paragraph of the documentation, on one line.
    pub fn summary(&self) -> String {
        self.doc.lines().map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Something that a rule cannot do without. Where it is missing, the rule is reported as skipped, not as quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// At least one planned statement.
    Plans,
    /// Counted executions: pg_stat_statements, or a workload file with `-- calls:`.
    CallCounts,
    /// Rows returned, counted for each statement: pg_stat_statements.
    RowCounts,
    /// The catalog alone.
    Catalog,
    /// Scan counters of indexes.
    UsageCounters,
}

impl Need {
    /// What to call it in `skipped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plans => "a planned statement",
            Self::CallCounts => "counted executions",
            Self::RowCounts => "rows counted by pg_stat_statements",
            Self::Catalog => "the catalog",
            Self::UsageCounters => "index usage counters",
        }
    }
}

/// Declares a rule: a unit struct, and its `META` from the doc comment above it.
macro_rules! declare_rule {
    ($(#[doc = $doc:literal])+ $name:ident { id: $id:literal, severity: $severity:ident, needs: [$($need:ident),* $(,)?] }) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name;

        pub(super) static META: $crate::rules::RuleMeta = $crate::rules::RuleMeta {
            id: $id,
            severity: $crate::rules::Severity::$severity,
            needs: &[$($crate::rules::Need::$need),*],
            doc: concat!($($doc, "\n"),+),
        };
    };
}

pub(super) use declare_rule;
