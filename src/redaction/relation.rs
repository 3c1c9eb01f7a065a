//! Relations, columns and indexes without values. Expressions of indexes, checks, views and statistics stay: they are the
//! schema, and plans depend on them.

use super::{schema, statistics};
use crate::snapshot::{Column, Constraint, Index, Relation};

pub(super) fn redact(relation: &mut Relation) {
    let Relation {
        oid: _,
        name: _,
        kind: _,
        persistence: _,
        owner: _,
        extension: _,
        is_partition: _,
        parent: _,
        partition_key: _,
        has_row_security: _,
        can_select: _,
        is_locked: _,
        options: _,
        n_pages: _,
        n_pages_counted: _,
        n_blocks: _,
        tablespace: _,
        n_rows: _,
        n_all_visible_pages: _,
        columns,
        indexes,
        constraints,
        extended_statistics,
        activity: _,
        view_definition: _,
        declaration,
    } = relation;
    schema::keep_declaration(declaration);
    columns.iter_mut().for_each(redact_column);
    indexes.iter_mut().for_each(redact_index);
    constraints.iter().for_each(keep_constraint);
    extended_statistics.iter_mut().for_each(statistics::redact_extended);
}

fn redact_column(column: &mut Column) {
    let Column {
        number: _,
        name: _,
        type_sql: _,
        base_type: _,
        is_not_null: _,
        not_null_limit: _,
        is_generated: _,
        default,
        collation: _,
        collation_is_c: _,
        has_btree_opclass: _,
        statistics,
        inherited_statistics,
    } = column;
    schema::redact_default(default);
    statistics.iter_mut().chain(inherited_statistics).for_each(statistics::redact);
}

fn redact_index(index: &mut Index) {
    let Index {
        oid: _,
        name: _,
        definition: _,
        is_valid: _,
        is_ready: _,
        is_live: _,
        is_primary: _,
        is_exclusion: _,
        is_replica_identity: _,
        is_clustered: _,
        constraint: _,
        parent: _,
        options: _,
        n_pages: _,
        n_pages_counted: _,
        n_blocks: _,
        tablespace: _,
        n_rows: _,
        usage: _,
        expression_statistics,
        is_being_built: _,
    } = index;
    expression_statistics.iter_mut().flatten().for_each(statistics::redact);
}

fn keep_constraint(constraint: &Constraint) {
    let Constraint {
        name: _,
        kind: _,
        columns: _,
        foreign_key: _,
        index: _,
        is_inherited_copy: _,
        is_validated: _,
        expression: _,
        definition: _,
    } = constraint;
}
