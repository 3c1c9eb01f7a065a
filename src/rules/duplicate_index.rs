//! Rule `duplicate_index`.

use std::collections::BTreeSet;

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};
use crate::snapshot::Relation;
use crate::snapshot::overlap::{Overlap, OverlapKind, overlaps};

declare_rule! {
    /// Two indexes of one relation are the same but for their names.
    ///
    /// ## Why it hurts
    /// Both are written by every INSERT and every UPDATE that is not HOT, both take cache and disk, and the planner
    /// uses only one. A plain index beside the primary key's on the same columns is the commonest form.
    ///
    /// ## When it is fine
    /// Never for long: while one replaces the other. Indexes that differ in operator class, collation, order of
    /// NULLs or predicate are not the same, and are not reported.
    ///
    /// ## What to do
    /// Drop the one that enforces nothing; of twins, the one that was created last. The finding names it and the
    /// one that stays.
    ///
    /// ## References
    /// - [Routine Reindexing and unused indexes](https://www.postgresql.org/docs/current/indexes-examine.html)
    DuplicateIndex { id: "duplicate_index", severity: Warning, needs: [Catalog] }
}

impl Rule for DuplicateIndex {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        for relation in subject.relations() {
            let twins = overlaps(&subject.catalog, relation, &BTreeSet::new(), &[])
                .into_iter()
                .filter(|o| o.kind == OverlapKind::Duplicate);
            findings.extend(twins.map(|overlap| {
                let message = format!(
                    "index {} ({}) has the same columns as {}",
                    overlap.index.name,
                    overlap.index.bytes(),
                    overlap.cover.name
                );
                superfluous(&META, message, relation, &overlap)
            }));
        }
        Ok(findings)
    }
}

/// A finding about an index that another covers.
pub(super) fn superfluous(meta: &RuleMeta, message: String, relation: &Relation, overlap: &Overlap<'_, '_>) -> Finding {
    let mut finding = Finding::new(meta, message)
        .on(relation, overlap.index.definition.key_column_names())
        .with("covered_by", overlap.cover.name)
        .with("index_bytes", overlap.index.bytes().0);
    if let Some(usage) = &overlap.index.usage {
        finding = finding.with("n_scans", usage.n_scans);
    }
    finding.index = Some(overlap.index.name.clone());
    finding
}
