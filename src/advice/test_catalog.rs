//! A relation for the unit tests of advice.

use crate::pg::{IndexDefinition, Oid, RelationName};
use crate::snapshot::{Column, ColumnStatistics, Index, Persistence, Relation, RelationKind, TypeName};

/// Rows of the relation.
pub(crate) const ROWS: f64 = 100_000.0;

/// A column with statistics.
pub(crate) fn column(number: i16, name: &str, type_name: &str, n_distinct: f64) -> Column {
    let statistics = ColumnStatistics { n_distinct, average_width: 4, ..ColumnStatistics::default() };
    Column {
        number,
        name: name.to_owned(),
        type_sql: type_name.to_owned(),
        base_type: TypeName {
            schema: "pg_catalog".to_owned(),
            name: type_name.to_owned(),
            category: 'N',
            length: if type_name == "text" { -1 } else { 4 },
        },
        is_not_null: false,
        is_generated: false,
        default: None,
        not_null_limit: None,
        collation: None,
        collation_is_c: false,
        has_btree_opclass: type_name != "json",
        statistics: Some(statistics),
        inherited_statistics: None,
    }
}

/// A valid index; the primary key's if it is unique.
pub(crate) fn index(oid: u32, name: &str, definition: IndexDefinition) -> Index {
    Index {
        oid: Oid(oid),
        name: name.to_owned(),
        is_primary: definition.is_unique,
        definition,
        is_valid: true,
        is_ready: true,
        is_live: true,
        is_exclusion: false,
        is_replica_identity: false,
        is_clustered: false,
        constraint: None,
        parent: None,
        options: Vec::new(),
        n_pages: 100,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: None,
        n_rows: Some(ROWS),
        usage: None,
        expression_statistics: Vec::new(),
        is_being_built: false,
    }
}

/// `orders (id primary key, tenant 50, customer 5000, status 4, token unique, note text, payload json, deleted 3 % NULL)`
pub(crate) fn orders() -> Relation {
    let mut deleted = column(8, "deleted", "int4", 1000.0);
    if let Some(statistics) = &mut deleted.statistics {
        statistics.null_fraction = 0.03;
    }
    let key = IndexDefinition { is_unique: true, ..IndexDefinition::btree(["id"]) };
    Relation {
        oid: Oid(1),
        name: RelationName::new("public", "orders"),
        kind: RelationKind::Table,
        persistence: Persistence::Permanent,
        owner: "app".to_owned(),
        extension: None,
        is_partition: false,
        parent: None,
        partition_key: None,
        has_row_security: false,
        can_select: true,
        is_locked: false,
        options: Vec::new(),
        n_pages: 1000,
        n_pages_counted: None,
        n_blocks: None,
        tablespace: None,
        n_rows: Some(ROWS),
        n_all_visible_pages: 0,
        columns: vec![
            column(1, "id", "int4", -1.0),
            column(2, "tenant", "int4", 50.0),
            column(3, "customer", "int4", 5000.0),
            column(4, "status", "int4", 4.0),
            column(5, "token", "text", -1.0),
            column(6, "note", "text", 20_000.0),
            column(7, "payload", "json", -0.5),
            deleted,
            column(9, "at", "timestamptz", -0.8),
        ],
        indexes: vec![index(10, "orders_pkey", key)],
        constraints: Vec::new(),
        extended_statistics: Vec::new(),
        activity: None,
        view_definition: None,
        declaration: Default::default(),
    }
}
