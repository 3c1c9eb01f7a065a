//! Rule `invalid_index`.

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};

declare_rule! {
    /// An index is marked invalid: the planner never uses it, and every write may still maintain it.
    ///
    /// ## Why it hurts
    /// A `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` that fails or is cancelled leaves its index behind.
    /// If the build got past its first phase (`indisready`), every INSERT and non-HOT UPDATE writes to it, and an
    /// invalid *unique* index still rejects duplicates. `CREATE INDEX CONCURRENTLY IF NOT EXISTS` skips over it and
    /// reports success.
    ///
    /// ## When it is fine
    /// - The index is being built at this moment: pgadvise looks at `pg_stat_progress_create_index` and stays silent.
    /// - It is the index of a partitioned table whose partitions are not all attached yet: the finding says so.
    ///
    /// ## What to do
    /// Drop it with `DROP INDEX CONCURRENTLY` and build it again, or repair it in place with
    /// `REINDEX INDEX CONCURRENTLY`. `REINDEX TABLE CONCURRENTLY` passes over invalid indexes.
    ///
    /// ## References
    /// - [Building Indexes Concurrently](https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY)
    InvalidIndex { id: "invalid_index", severity: Error, needs: [Catalog] }
}

impl Rule for InvalidIndex {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for relation in subject.relations() {
            for index in relation.indexes.iter().filter(|index| !index.is_usable() && !index.is_being_built) {
                let effect = if relation.kind == crate::snapshot::RelationKind::PartitionedTable {
                    "not every partition has its part of it attached"
                } else if index.is_ready && index.is_live {
                    "no plan uses it, and every write maintains it"
                } else {
                    "no plan uses it"
                };
                let mut finding = Finding::new(&META, format!("index {} is invalid: {effect}", index.name))
                    .on(relation, index.definition.key_column_names())
                    .with("index_bytes", index.bytes().0)
                    .with("is_ready", index.is_ready)
                    .with("is_unique", index.definition.is_unique);
                finding.index = Some(index.name.clone());
                findings.push(finding);
            }
        }
        Ok(findings)
    }
}
