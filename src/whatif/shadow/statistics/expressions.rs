//! Which types expressions have: the server says so of a temporary view that selects them. Runs no query over it.

use std::collections::BTreeMap;

use crate::db::{Failure, WritableSession};
use crate::pg::Oid;

const VIEW_COLUMNS: &str = include_str!("queries/view_columns.sql");

/// Views made in one message.
const VIEWS_MAX: usize = 200;

/// Expressions over the columns of one relation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// The relation, qualified and quoted.
    pub relation: String,
    /// The expressions.
    pub sql: Vec<String>,
}

/// The type and collation of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExpressionType {
    pub value_type: Oid,
    /// 0 where the type has none.
    pub collation: Oid,
}

/// The types of all `asked` expressions, in order; `None` where the server refuses one of them.
pub(super) fn types(
    session: &mut WritableSession,
    asked: &[&Asked],
) -> Result<Vec<Option<Vec<ExpressionType>>>, Failure> {
    let mut found = Vec::new();
    for piece in asked.chunks(VIEWS_MAX) {
        found.extend(types_of_piece(session, piece)?);
    }
    Ok(found)
}

fn types_of_piece(
    session: &mut WritableSession,
    asked: &[&Asked],
) -> Result<Vec<Option<Vec<ExpressionType>>>, Failure> {
    let mut views: Vec<usize> = (0..asked.len()).collect();
    // The views of a message are made together or not at all: the one that is refused is left out, and the others tried
    // again.
    while !views.is_empty() {
        let statements: Vec<String> = views.iter().map(|number| create_view(*number, asked[*number])).collect();
        let made = session.batch(&statements)?;
        match made.refused {
            Some(_) => drop(views.remove(made.answers.len().min(views.len() - 1))),
            None => break,
        }
    }
    let mut by_view: BTreeMap<String, Vec<ExpressionType>> = BTreeMap::new();
    if !views.is_empty() {
        for row in session.query(VIEW_COLUMNS, &[])? {
            let own = ExpressionType { value_type: row.get("type")?, collation: row.get("collation")? };
            by_view.entry(row.text("view")?).or_default().push(own);
        }
        let names: Vec<String> = views.iter().map(|number| format!("pg_temp.{}", view_name(*number))).collect();
        session.execute(&format!("DROP VIEW {}", names.join(", ")))?;
    }
    Ok((0..asked.len()).map(|number| by_view.remove(&view_name(number))).collect())
}

fn view_name(number: usize) -> String {
    format!("pgadvise_expressions_{number}")
}

fn create_view(number: usize, asked: &Asked) -> String {
    let expressions = asked.sql.iter().enumerate().map(|(position, sql)| format!("({sql}) AS e{position}"));
    let list = expressions.collect::<Vec<_>>().join(", ");
    format!("CREATE TEMPORARY VIEW {} AS SELECT {list} FROM {}", view_name(number), asked.relation)
}
