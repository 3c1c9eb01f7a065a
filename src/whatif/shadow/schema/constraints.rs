//! Foreign keys and extended statistics. Keys are made with indexes, checks with tables.

use super::relations::{is_table, named};
use super::step::Step;
use crate::pg::{RelationName, StatisticsKind, quote_identifier};
use crate::snapshot::{ConstraintKind, ExtendedStatistics, Relation, RelationKind};

/// Foreign keys. Those that a partition inherits come with its parent's.
pub(super) fn foreign_keys(relation: &Relation) -> Vec<Step> {
    if !is_table(relation) {
        return Vec::new();
    }
    let only = if relation.kind == RelationKind::PartitionedTable { "" } else { "ONLY " };
    let own = relation
        .constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::ForeignKey && !constraint.is_inherited_copy);
    own.filter_map(|constraint| {
        let name = format!("{} of {}", quote_identifier(&constraint.name), relation.name);
        let sql = format!("ALTER TABLE {only}{} ADD {}", relation.name, named(constraint)?);
        Some(Step::one("constraint", name, sql))
    })
    .collect()
}

/// `CREATE STATISTICS` objects.
pub(super) fn statistics(relation: &Relation) -> Vec<Step> {
    relation.extended_statistics.iter().map(|object| one_statistics(relation, object)).collect()
}

fn one_statistics(relation: &Relation, object: &ExtendedStatistics) -> Step {
    let has = |kind: &StatisticsKind| object.kinds.contains(&kind.code());
    let kinds: Vec<&str> = StatisticsKind::ALL.into_iter().filter(has).map(StatisticsKind::as_str).collect();
    let mut targets: Vec<String> = object.columns.iter().map(|name| quote_identifier(name).into_owned()).collect();
    targets.extend(object.expressions.iter().map(|expression| format!("({expression})")));
    // Of one expression alone there are no kinds to choose from.
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let name = RelationName::new(object.schema.clone(), object.name.clone()).to_string();
    let sql = format!("CREATE STATISTICS {name}{kinds} ON {} FROM {}", targets.join(", "), relation.name);
    Step::one("extended_statistics", name, sql)
}
