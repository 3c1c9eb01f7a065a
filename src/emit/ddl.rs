//! The statements of a step: `CREATE INDEX CONCURRENTLY` and `DROP INDEX CONCURRENTLY`, the only place that spells them, and
//! those that make a statistics object. Decides nothing.

use super::fragment::{check_expression, check_name, check_qualified_name};
use crate::advice::{Action, StatisticsStep, Step};
use crate::pg::{IndexDefinition, IndexTarget, RelationName, quote_identifier};
use crate::snapshot::{Catalog, Index, RelationKind};

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
}

impl Statement {
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
    check_relation(step, catalog)?;
    check_texts(&step.relation, &step.id, &step.index)?;
    let existing = catalog.index_named(&step.relation.schema, &step.id).map(|(_, index)| index);
    let drop = drop_index(&step.relation.schema, &step.id);
    match step.action {
        Action::CreateIndex => Ok(Statements {
            ddl: vec![create_index(&step.relation, &step.id, &step.index, &step.index.body())],
            rollback: vec![drop],
        }),
        Action::DropIndex => {
            let existing = existing.ok_or("the snapshot does not know the index to drop")?;
            check_droppable(existing)?;
            step.taken_over_by.as_deref().map_or(Ok(()), check_name)?;
            let tablespace = existing.tablespace.as_deref();
            tablespace.map_or(Ok(()), check_name)?;
            let body = existing.definition.body_with_storage(&existing.options, tablespace);
            let create = create_index(&step.relation, &step.id, &existing.definition, &body);
            Ok(Statements { ddl: vec![drop], rollback: vec![create] })
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
    let statement = |sql: String| Statement { clauses: vec![sql] };
    Ok(Statements {
        ddl: vec![statement(definition.create_sql()), statement(definition.analyze_sql())],
        rollback: vec![statement(definition.drop_sql())],
    })
}

/// `CREATE INDEX CONCURRENTLY name ON schema.relation USING …`, without `IF NOT EXISTS`: that accepts an invalid
/// leftover of a failed build, and an index of the same name on another relation. The index's name is never
/// qualified here (a syntax error); it goes where its relation is.
fn create_index(relation: &RelationName, name: &str, definition: &IndexDefinition, body: &str) -> Statement {
    let unique = if definition.is_unique { "UNIQUE " } else { "" };
    let head = format!("CREATE {unique}INDEX CONCURRENTLY {}", quote_identifier(name));
    Statement { clauses: vec![head, format!("ON {relation} {body}")] }
}

/// `DROP INDEX CONCURRENTLY schema.name`.
pub(super) fn drop_index(schema: &str, name: &str) -> Statement {
    let name = format!("{}.{}", quote_identifier(schema), quote_identifier(name));
    Statement { clauses: vec![format!("DROP INDEX CONCURRENTLY {name}")] }
}

fn check_relation(step: &Step, catalog: &Catalog<'_>) -> Result<(), String> {
    let Some(relation) = catalog.relation(step.relation_oid) else {
        return Err(format!("the snapshot does not know relation {}", step.relation));
    };
    match relation.kind {
        RelationKind::Table | RelationKind::MaterializedView => Ok(()),
        RelationKind::PartitionedTable => Err(format!(
            "{} is a partitioned table, where an index can be neither created nor dropped concurrently: \
             create it ON ONLY the parent, concurrently on each partition, and attach those",
            step.relation
        )),
        RelationKind::View | RelationKind::ForeignTable => Err(format!("{} can have no index", step.relation)),
    }
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
