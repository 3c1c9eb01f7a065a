//! Says what could not be read of relations, why, and what mends it: one gap for each reason, however many relations.

use std::collections::BTreeSet;

use super::batch::{Circumstances, RANGES_IN_VIEW_SINCE};
use super::privileges::Privileges;
use super::statistics::is_range;
use crate::pg::{Oid, text};
use crate::snapshot::{Column, ExtendedStatistics, Gap, Index, Relation, RelationKind};

/// How many names a gap lists.
const NAMES_SHOWN: usize = 20;

/// Relations that the role may not read. Those of extensions and of nobody's interest to a planner are left out.
pub(super) fn unreadable(relations: &[Relation], privileges: &Privileges) -> Option<Gap> {
    let unreadable: Vec<&Relation> =
        relations.iter().filter(|relation| !relation.can_select && relation.extension.is_none()).collect();
    let schemas: BTreeSet<&str> = unreadable.iter().map(|relation| relation.name.schema.as_str()).collect();
    of_relations(
        "relation",
        &unreadable,
        &format!(
            "role {} may not read them: statements on them are not planned, and their statistics are hidden; {}",
            privileges.role(),
            privileges.to_read_relations(&schemas)
        ),
    )
}

/// Relations whose statistics row level security hides.
pub(super) fn hidden_by_row_security(hidden: &[&Relation], privileges: &Privileges) -> Option<Gap> {
    of_relations(
        "column_statistics",
        hidden,
        &format!(
            "row level security hides their statistics from role {}, which may not read pg_statistic; {}",
            privileges.role(),
            privileges.to_read_statistics()
        ),
    )
}

/// Relations that were locked while they were read.
pub(super) fn locked(relations: &[Relation]) -> Option<Gap> {
    let locked: Vec<&Relation> = relations.iter().filter(|relation| relation.is_locked).collect();
    of_relations(
        "relation",
        &locked,
        "another session held or awaited an ACCESS EXCLUSIVE lock: expressions, predicates, view definitions or sizes are \
         missing, and no index is advised on them; run the command again when that session is done",
    )
}

/// Relations of which it is not known how large they are now.
pub(super) fn unmeasured(relations: &[Relation], unmeasured: &BTreeSet<Oid>) -> Option<Gap> {
    let affected: Vec<&Relation> =
        relations.iter().filter(|relation| unmeasured.contains(&relation.oid) && !relation.is_locked).collect();
    of_relations(
        "relation",
        &affected,
        "another session held or awaited an ACCESS EXCLUSIVE lock, so their size is taken from the last VACUUM or ANALYZE; \
         run the command again when that session is done",
    )
}

/// Relations with names that are not valid UTF-8.
pub(super) fn unrepresentable(relations: &[Relation]) -> Option<Gap> {
    let names = |relation: &Relation| {
        let own = [relation.name.schema.clone(), relation.name.name.clone()];
        own.into_iter().chain(relation.columns.iter().map(|column| column.name.clone())).collect::<Vec<_>>()
    };
    let affected: Vec<&Relation> =
        relations.iter().filter(|relation| !names(relation).iter().all(|name| text::is_representable(name))).collect();
    of_relations(
        "relation",
        &affected,
        "the name of the relation or of a column is not valid UTF-8 in this database of encoding SQL_ASCII: no statement \
         can be written for them",
    )
}

/// Expression indexes whose statistics only the owner and members of pg_read_all_data are shown.
pub(super) fn hidden_expressions(
    relations: &[Relation],
    circumstances: &Circumstances,
    privileges: &Privileges,
) -> Option<Gap> {
    if privileges.can_read_all_data() || circumstances.can_read_statistic {
        return None;
    }
    let affected: Vec<&Relation> = relations
        .iter()
        .filter(|relation| relation.indexes.iter().any(|index| lacks_statistics(relation, index)))
        .collect();
    of_relations(
        "column_statistics",
        &affected,
        &format!(
            "role {} is not shown the statistics of their expression indexes; {}",
            privileges.role(),
            privileges.to_read_statistics()
        ),
    )
}

/// Columns of ranges whose statistics pg_stats does not show before 17.
pub(super) fn hidden_ranges(
    relations: &[Relation],
    circumstances: &Circumstances,
    privileges: &Privileges,
) -> Option<Gap> {
    if circumstances.major >= RANGES_IN_VIEW_SINCE || circumstances.can_read_statistic {
        return None;
    }
    let lacks_ranges = |column: &Column| {
        is_range(&column.base_type) && column.best_statistics().is_some_and(|statistics| statistics.null_fraction < 1.0)
    };
    let affected: Vec<&Relation> =
        relations.iter().filter(|relation| relation.columns.iter().any(lacks_ranges)).collect();
    of_relations(
        "column_statistics",
        &affected,
        &format!(
            "pg_stats shows the statistics of ranges from 17 on only, and role {} may not read pg_statistic: conditions on \
             these columns are planned by guess; {}",
            privileges.role(),
            privileges.to_read_statistics()
        ),
    )
}

/// Extended statistics that the role may not read whole.
pub(super) fn hidden_combinations(relations: &[Relation], privileges: &Privileges) -> Option<Gap> {
    if privileges.can_read_all_data() {
        return None;
    }
    let is_incomplete = |statistics: &ExtendedStatistics| {
        statistics.images.is_empty() || statistics.kinds.contains(&'m') || statistics.kinds.contains(&'e')
    };
    let affected: Vec<&Relation> = relations
        .iter()
        .filter(|relation| relation.n_rows.is_some_and(|n_rows| n_rows > 0.0))
        .filter(|relation| relation.extended_statistics.iter().any(is_incomplete))
        .collect();
    of_relations(
        "extended_statistics",
        &affected,
        &format!(
            "role {} is not shown what ANALYZE found for several columns together (CREATE STATISTICS), or not the values; {}",
            privileges.role(),
            privileges.to_read_statistics()
        ),
    )
}

/// Whether the columns have statistics and the index's expressions, analysed at the same time, have none.
fn lacks_statistics(relation: &Relation, index: &Index) -> bool {
    let keys = index.definition.key_columns.iter().zip(&index.expression_statistics);
    let mut expressions = keys.filter(|(key, _)| key.target.column().is_none()).peekable();
    expressions.peek().is_some()
        && expressions.all(|(_, statistics)| statistics.is_none())
        && relation.columns.iter().any(|column| column.statistics.is_some())
}

/// Relations whose values were not read because there are too many relations.
pub(super) fn without_values(n_relations: usize, n_with_values: usize) -> Option<Gap> {
    (n_relations > n_with_values).then(|| {
        Gap::new(
            "column_statistics",
            format!("{} of {n_relations} relations", n_relations - n_with_values),
            format!(
                "most common values and histograms are read for the {n_with_values} largest relations only, to bound the \
                 memory that is used; of the others, counts and fractions are known"
            ),
        )
    })
}

/// A database without a relation to look at.
pub(super) fn empty(database: &str) -> Gap {
    Gap::new(
        "relation",
        text::one_line(database),
        "the database has no relations outside the system schemas; check that the connection string names the application's database",
    )
}

fn of_relations(what: &str, relations: &[&Relation], reason: &str) -> Option<Gap> {
    if relations.is_empty() {
        return None;
    }
    let mut id: Vec<String> =
        relations.iter().take(NAMES_SHOWN).map(|relation| text::one_line(&relation.name.to_string())).collect();
    if relations.len() > NAMES_SHOWN {
        id.push(format!("and {} more", relations.len() - NAMES_SHOWN));
    }
    Some(Gap::new(what, id.join(", "), reason))
}

/// Whether a relation has rows of its own that were never counted, so that its size has to be asked for.
pub(super) fn was_never_analysed(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView)
        && relation.n_pages == 0
        && relation.n_rows.is_none_or(|n_rows| n_rows == 0.0)
}
