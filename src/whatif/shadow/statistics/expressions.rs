//! Which types expressions have: the server says so of a temporary view that selects them. Runs no query over it.

use std::collections::BTreeMap;

use crate::db::{Failure, WritableSession};
use crate::pg::Oid;

const VIEW_COLUMNS: &str = include_str!("queries/view_columns.sql");

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

/// The types of all `asked` expressions, in order; `None` where the server refuses one of them. The texts are the
/// target's: each goes as one command of a session that may do nothing outside its database.
pub(super) fn types(
    planner: &mut WritableSession,
    asked: &[&Asked],
) -> Result<Vec<Option<Vec<ExpressionType>>>, Failure> {
    let mut made = Vec::new();
    for (number, asked) in asked.iter().enumerate() {
        match planner.query(&create_view(number, asked), &[]) {
            Ok(_) => made.push(number),
            Err(Failure::Statement(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let mut by_view: BTreeMap<String, Vec<ExpressionType>> = BTreeMap::new();
    if !made.is_empty() {
        for row in planner.query(VIEW_COLUMNS, &[])? {
            let own = ExpressionType { value_type: row.get("type")?, collation: row.get("collation")? };
            by_view.entry(row.text("view")?).or_default().push(own);
        }
    }
    for number in made {
        planner.query(&format!("DROP VIEW pg_temp.{}", view_name(number)), &[])?;
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
