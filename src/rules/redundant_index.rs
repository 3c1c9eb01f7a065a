//! Rule `redundant_index`.

use std::collections::BTreeSet;

use super::duplicate_index::superfluous;
use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};
use crate::snapshot::overlap::{OverlapKind, overlaps};

declare_rule! {
    /// An index is the beginning of a wider one of the same relation.
    ///
    /// ## Why it hurts
    /// Whatever the narrow index finds, the wide one finds too; both are maintained by every write.
    ///
    /// ## When it is fine
    /// - The wide index is much larger (long text columns) and the narrow one is scanned very often: then the narrow
    ///   one may stay in the cache where the wide one does not. The finding gives both sizes, and from four times the
    ///   size on no drop is proposed.
    /// - The narrow index is unique, or enforces a constraint, or differs in operator class, collation or predicate:
    ///   then it is not redundant, and is not reported.
    ///
    /// ## What to do
    /// Drop the narrow one with `DROP INDEX CONCURRENTLY`; the migration's rollback recreates it.
    ///
    /// ## References
    /// - [Multicolumn Indexes](https://www.postgresql.org/docs/current/indexes-multicolumn.html)
    RedundantIndex { id: "redundant_index", severity: Warning, needs: [Catalog] }
}

impl Rule for RedundantIndex {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for relation in subject.relations() {
            let prefixes = overlaps(&subject.catalog, relation, &BTreeSet::new(), &[])
                .into_iter()
                .filter(|o| o.kind == OverlapKind::Prefix);
            findings.extend(prefixes.map(|overlap| {
                let message = format!(
                    "index {} ({}) is the beginning of {} ({})",
                    overlap.index.name,
                    overlap.index.bytes(),
                    overlap.cover.name,
                    overlap.cover.bytes
                );
                superfluous(&META, message, relation, &overlap).with("cover_bytes", overlap.cover.bytes.0)
            }));
        }
        Ok(findings)
    }
}
