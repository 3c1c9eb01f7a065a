//! Rule `unused_index`.

use std::collections::BTreeSet;

use super::meta::declare_rule;
use super::{Finding, Rule, RuleMeta, Subject};
use crate::snapshot::Catalog;
use crate::snapshot::keep::must_keep;

declare_rule! {
    /// No scan has used an index for as long as the counters reach, on the node that was read.
    ///
    /// ## Why it hurts
    /// Every INSERT and every UPDATE that is not HOT writes to every index; an index on a column that is updated
    /// keeps those updates from being HOT at all. VACUUM reads it, the buffer cache holds its pages.
    ///
    /// ## When it is fine
    /// - The counters are young: a month's end report may need it. The rule waits for `min_stats_age_days` (35 days)
    ///   since the last reset or crash, and is reported as skipped until then.
    /// - A standby uses it: counters are kept by each node. `--replica URL` reads those of the standbys too, and the
    ///   finding says which nodes it speaks of.
    /// - It enforces something (primary key, unique, exclusion), is the replica identity, is attached to a
    ///   partitioned index, or serves a foreign key: such indexes are never reported.
    ///
    /// ## What to do
    /// Where no standby is connected, or all were read with `--replica`, and no statement of the workload uses it, the
    /// advice drops it; the migration's rollback recreates it. Elsewhere look at the counters of every standby first.
    ///
    /// ## References
    /// - [pg_stat_all_indexes](https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ALL-INDEXES-VIEW)
    UnusedIndex { id: "unused_index", severity: Warning, needs: [UsageCounters] }
}

impl Rule for UnusedIndex {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, subject: &Subject<'_>) -> Result<Vec<Finding>, String> {
        let n_days_min = subject.thresholds.min_stats_age_days;
        let n_days = subject.workload.snapshot.usage_days().ok_or("it is not known since when the server counts")?;
        if n_days < n_days_min {
            return Err(format!(
                "the usage counters cover {n_days:.1} days, and {n_days_min:.0} are needed before an index may be called unused"
            ));
        }
        Ok(unused(subject, &subject.catalog, n_days))
    }
}

fn unused(subject: &Subject<'_>, catalog: &Catalog<'_>, n_days: f64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let snapshot = &subject.workload.snapshot;
    for relation in subject.relations() {
        for index in &relation.indexes {
            let is_unused = snapshot.n_scans(index) == Some(0);
            let is_small = (index.bytes().0 as f64) < subject.thresholds.unused_index_min_bytes;
            if !is_unused
                || is_small
                || !index.is_usable()
                || !must_keep(catalog, relation, index, &BTreeSet::new(), &[]).is_empty()
            {
                continue;
            }
            let message = format!(
                "index {} ({}) was not scanned in {n_days:.0} days {}",
                index.name,
                index.bytes(),
                snapshot.counting_nodes()
            );
            let mut finding = Finding::new(&META, message)
                .on(relation, index.definition.key_column_names())
                .with("index_bytes", index.bytes().0)
                .with("n_days", n_days.floor());
            finding.index = Some(index.name.clone());
            finding.fix = Some(
                "Read the counters of every standby with --replica URL; keep the definition, then drop it with DROP INDEX CONCURRENTLY."
                    .to_owned(),
            );
            findings.push(finding);
        }
    }
    findings
}
