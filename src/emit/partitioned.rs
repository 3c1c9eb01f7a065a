//! Which statements make and take back the index of a partitioned table: as a whole it can be neither created nor dropped
//! concurrently, its parts can. Spells none.

use super::ddl::{Statement, attach_index, create_part, create_whole, drop_part, drop_whole};
use crate::advice::{PartitionIndex, Step};
use crate::snapshot::Catalog;

/// What creates the index and attaches what it consists of. Run again after a failure, it goes on where it stopped.
///
/// First the partitioned tables, without their partitions, so that a partition that is made meanwhile gets its part by
/// itself; then the partitions one by one; then all are attached from the bottom up, by which those above become valid.
/// Attaching what is attached changes nothing.
pub(super) fn create(step: &Step, catalog: &Catalog<'_>) -> Vec<Statement> {
    let made = |part: &PartitionIndex| !part.is_there;
    let mut statements = vec![create_whole(&step.relation, &step.id, &step.index, catalog)];
    statements.extend(parts(step, catalog, made));
    statements.extend(attached(step, |part, above| !part.is_there || above.is_none_or(made)));
    statements
}

/// What takes back the index that `step` creates, however far that came: with it go the parts that are attached, then
/// those that are not. Parts that were there before are built again.
pub(super) fn take_back(step: &Step, catalog: &Catalog<'_>) -> Vec<Statement> {
    let was_there = |part: &PartitionIndex| part.is_there;
    let made = || step.partitions.iter().filter(|part| !part.is_there);
    let mut statements = vec![drop_whole(&step.relation.schema, &step.id)];
    let of_partitioned = made().filter(|part| part.is_partitioned);
    statements.extend(of_partitioned.map(|part| drop_whole(&part.relation.schema, &part.name)));
    let of_partitions = made().filter(|part| !part.is_partitioned);
    statements.extend(of_partitions.map(|part| drop_part(&part.relation.schema, &part.name)));
    statements.extend(parts(step, catalog, was_there));
    statements.extend(attached(step, |part, above| part.is_there && above.is_some_and(was_there)));
    statements
}

/// Creates the parts that are `wanted`: those of partitioned tables before those of partitions.
fn parts(step: &Step, catalog: &Catalog<'_>, wanted: impl Fn(&PartitionIndex) -> bool) -> Vec<Statement> {
    let (whole, single): (Vec<&PartitionIndex>, Vec<&PartitionIndex>) =
        step.partitions.iter().filter(|part| wanted(part)).partition(|part| part.is_partitioned);
    let whole = whole.iter().map(|part| create_whole(&part.relation, &part.name, &step.index, catalog));
    let single = single.iter().map(|part| create_part(&part.relation, &part.name, &step.index, catalog));
    whole.chain(single).collect()
}

/// Attaches the parts that are `wanted`, given the part above each, from the bottom up.
fn attached(step: &Step, wanted: impl Fn(&PartitionIndex, Option<&PartitionIndex>) -> bool) -> Vec<Statement> {
    let attach = |part: &PartitionIndex| {
        let above = part.attached_to.and_then(|position| step.partitions.get(position));
        let (schema, name) = match above {
            Some(above) => (&above.relation.schema, &above.name),
            None => (&step.relation.schema, &step.id),
        };
        wanted(part, above).then(|| attach_index((schema, name), (&part.relation.schema, &part.name)))
    };
    // Lists have each part after the one above it, so backwards is from the bottom up.
    step.partitions.iter().rev().filter_map(attach).collect()
}
