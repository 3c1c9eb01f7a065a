//! The statements of a step: those that create, attach and drop indexes, the only place that spells them, and those that make
//! a statistics object. Decides nothing.

use super::fragment::{check_expression, check_name, check_qualified_name};
use super::partitioned;
use crate::advice::{Action, StatisticsStep, Step};
use crate::pg::{IndexDefinition, IndexTarget, RelationName, quote_identifier};
use crate::snapshot::{Catalog, Index, Relation, RelationKind};

/// What a step does and what undoes it: statements to be sent one by one and outside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements {
    /// Does it.
    pub ddl: Vec<Statement>,
    /// Undoes it.
    pub rollback: Vec<Statement>,
}

/// A statement without a semicolon, as the clauses that stand on lines of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    clauses: Vec<String>,
    is_blocking: bool,
}

impl Statement {
    /// A statement that others do not wait for while it waits for its locks.
    fn concurrent(clauses: Vec<String>) -> Self {
        Self { clauses, is_blocking: false }
    }

    /// A statement that is done in a moment, but that others wait behind while it waits for its locks.
    fn blocking(clauses: Vec<String>) -> Self {
        Self { clauses, is_blocking: true }
    }

    /// Whether readers or writers wait behind it while it waits for its locks, so that it may not wait for long.
    pub fn is_blocking(&self) -> bool {
        self.is_blocking
    }

    /// The statement on as few lines as its names allow.
    pub fn text(&self) -> String {
        self.clauses.join(" ")
    }

    /// The statement as it is read best: a clause on each line.
    pub fn lines(&self) -> String {
        self.clauses.join("\n    ")
    }
}

/// The statements of `step`, or the reason why none can be written.
///
/// A drop's rollback recreates the index as `catalog` knows it, storage parameters and tablespace included.
pub fn statements(step: &Step, catalog: &Catalog<'_>) -> Result<Statements, String> {
    let is_partitioned = check_relation(step, catalog)?.kind == RelationKind::PartitionedTable;
    check_texts(&step.relation, &step.id, &step.index)?;
    for part in &step.partitions {
        check_texts(&part.relation, &part.name, &step.index)?;
        check_existing(&part.relation.schema, &part.name, catalog)?;
    }
    let RelationName { schema, .. } = &step.relation;
    match step.action {
        Action::CreateIndex if is_partitioned => {
            Ok(Statements { ddl: partitioned::create(step, catalog), rollback: partitioned::take_back(step, catalog) })
        }
        Action::CreateIndex => Ok(Statements {
            ddl: vec![create_index(&step.relation, &step.id, &step.index, catalog)],
            rollback: vec![drop_index(schema, &step.id)],
        }),
        Action::DropIndex => {
            let (_, index) =
                catalog.index_named(schema, &step.id).ok_or("the snapshot does not know the index to drop")?;
            check_droppable(index)?;
            step.taken_over_by.as_deref().map_or(Ok(()), check_name)?;
            check_existing(schema, &step.id, catalog)?;
            let create = create_index(&step.relation, &step.id, &index.definition, catalog);
            Ok(Statements { ddl: vec![drop_index(schema, &step.id)], rollback: vec![create] })
        }
    }
}

/// The statements that make the statistics object of `step` and fill it, which may stand in one transaction, or the reason
/// why none can be written.
pub fn statistics_statements(step: &StatisticsStep) -> Result<Statements, String> {
    let definition = &step.definition;
    let RelationName { schema, name } = &definition.relation;
    for name in [schema, name, &definition.name].into_iter().chain(&definition.columns) {
        check_name(name)?;
    }
    let statement = |sql: String| Statement::concurrent(vec![sql]);
    Ok(Statements {
        ddl: vec![statement(definition.create_sql()), statement(definition.analyze_sql())],
        rollback: vec![statement(definition.drop_sql())],
    })
}

/// `CREATE INDEX CONCURRENTLY name ON schema.relation USING …`, without `IF NOT EXISTS`: that accepts an invalid
/// leftover of a failed build, and an index of the same name on another relation. The index's name is never
/// qualified here (a syntax error); it goes where its relation is.
fn create_index(relation: &RelationName, name: &str, index: &IndexDefinition, catalog: &Catalog<'_>) -> Statement {
    Statement::concurrent(create("CONCURRENTLY ", "", relation, name, index, catalog))
}

/// The index of a partition, unless it is there. What else `IF NOT EXISTS` accepts cannot be attached, or does not make
/// the index above valid, which is looked at in the end.
pub(super) fn create_part(
    relation: &RelationName,
    name: &str,
    index: &IndexDefinition,
    catalog: &Catalog<'_>,
) -> Statement {
    Statement::concurrent(create("CONCURRENTLY IF NOT EXISTS ", "", relation, name, index, catalog))
}

/// The index of a partitioned table without its partitions, unless it is there. It reads no rows, and waits for those
/// who write through the partitioned table.
pub(super) fn create_whole(
    relation: &RelationName,
    name: &str,
    index: &IndexDefinition,
    catalog: &Catalog<'_>,
) -> Statement {
    Statement::blocking(create("IF NOT EXISTS ", "ONLY ", relation, name, index, catalog))
}

/// An index that the catalog has by this name is spelled as it was, storage parameters and tablespace included.
fn create(
    how: &str,
    only: &str,
    relation: &RelationName,
    name: &str,
    index: &IndexDefinition,
    catalog: &Catalog<'_>,
) -> Vec<String> {
    let existing = catalog.index_named(&relation.schema, name).map(|(_, index)| index);
    let definition = existing.map_or(index, |existing| &existing.definition);
    let body = existing.map_or_else(
        || index.body(),
        |existing| definition.body_with_storage(&existing.options, existing.tablespace.as_deref()),
    );
    let unique = if definition.is_unique { "UNIQUE " } else { "" };
    let head = format!("CREATE {unique}INDEX {how}{}", quote_identifier(name));
    vec![head, format!("ON {only}{relation} {body}")]
}

/// `DROP INDEX CONCURRENTLY schema.name`.
pub(super) fn drop_index(schema: &str, name: &str) -> Statement {
    Statement::concurrent(vec![format!("DROP INDEX CONCURRENTLY {}", qualified(schema, name))])
}

/// Drops the index of a partition that is attached to none; with the one above goes what is attached to it.
pub(super) fn drop_part(schema: &str, name: &str) -> Statement {
    Statement::concurrent(vec![format!("DROP INDEX CONCURRENTLY IF EXISTS {}", qualified(schema, name))])
}

/// Drops the index of a partitioned table and all that is attached to it. It locks the table and its partitions.
pub(super) fn drop_whole(schema: &str, name: &str) -> Statement {
    Statement::blocking(vec![format!("DROP INDEX IF EXISTS {}", qualified(schema, name))])
}

/// Attaches the index `part` to `whole`, each by schema and name. It waits for those whose plans may use `part`.
pub(super) fn attach_index(whole: (&str, &str), part: (&str, &str)) -> Statement {
    let alter = format!("ALTER INDEX {}", qualified(whole.0, whole.1));
    Statement::blocking(vec![alter, format!("ATTACH PARTITION {}", qualified(part.0, part.1))])
}

fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

fn check_relation<'s>(step: &Step, catalog: &Catalog<'s>) -> Result<&'s Relation, String> {
    let Some(relation) = catalog.relation(step.relation_oid) else {
        return Err(format!("the snapshot does not know relation {}", step.relation));
    };
    match relation.kind {
        RelationKind::Table | RelationKind::MaterializedView => Ok(relation),
        RelationKind::View | RelationKind::ForeignTable => Err(format!("{} can have no index", step.relation)),
        RelationKind::PartitionedTable if step.action == Action::DropIndex => {
            Err(format!("an index of {}, a partitioned table, cannot be dropped concurrently", step.relation))
        }
        RelationKind::PartitionedTable => {
            let partitions = catalog.partitions(relation.oid);
            match partitions.iter().find(|partition| partition.kind == RelationKind::ForeignTable) {
                None => Ok(relation),
                Some(foreign) => Err(format!(
                    "partition {} is a foreign table and can have no index, so that attaching the others one by one \
                     never makes the whole valid: create those concurrently and then CREATE INDEX on {} itself, which \
                     takes them as they are",
                    foreign.name, step.relation
                )),
            }
        }
    }
}

/// Checks what is written of an index that the catalog has by this name.
fn check_existing(schema: &str, name: &str, catalog: &Catalog<'_>) -> Result<(), String> {
    let Some((relation, index)) = catalog.index_named(schema, name) else { return Ok(()) };
    check_texts(&relation.name, name, &index.definition)?;
    index.tablespace.as_deref().map_or(Ok(()), check_name)
}

/// What PostgreSQL itself refuses to drop concurrently and alone.
fn check_droppable(index: &Index) -> Result<(), String> {
    match (&index.constraint, index.parent) {
        (Some(constraint), _) => Err(format!("constraint {} requires it", quote_identifier(constraint))),
        (None, Some(_)) => Err("it is part of a partitioned index".to_owned()),
        (None, None) => Ok(()),
    }
}

/// Refuses what could be more than names and expressions once it is written.
fn check_texts(relation: &RelationName, name: &str, definition: &IndexDefinition) -> Result<(), String> {
    for name in [&relation.schema, &relation.name, name] {
        check_name(name)?;
    }
    for name in &definition.included_columns {
        check_name(name)?;
    }
    for key in &definition.key_columns {
        match &key.target {
            IndexTarget::Column(name) => check_name(name)?,
            IndexTarget::Expression(sql) => {
                check_expression(sql).map_err(|reason| unsafe_text("expression", &reason))?
            }
        }
        for (what, sql) in [("operator class", &key.opclass), ("collation", &key.collation)] {
            if let Some(sql) = sql {
                check_qualified_name(sql).map_err(|reason| unsafe_text(what, &reason))?;
            }
        }
    }
    if let Some(predicate) = &definition.predicate {
        check_expression(predicate).map_err(|reason| unsafe_text("predicate", &reason))?;
    }
    Ok(())
}

fn unsafe_text(what: &str, reason: &str) -> String {
    format!("its {what} cannot be written safely: {reason}")
}
