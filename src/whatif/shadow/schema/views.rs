//! Views and materialized views, and what rewrites statements beside them: rules, and INSTEAD OF triggers.

use super::relations::options;
use super::step::Step;
use super::stubs;
use crate::pg::identifier::quote_literal;
use crate::pg::quote_identifier;
use crate::snapshot::{Relation, RelationKind};

/// Whether `relation` is a materialized view, whose indexes have to wait for it.
pub(super) fn is_materialized(relation: &Relation) -> bool {
    relation.kind == RelationKind::MaterializedView
}

/// The view; `None` for other relations, and where its query could not be read, which is a gap already.
pub(super) fn step(relation: &Relation) -> Option<Step> {
    let kind = match relation.kind {
        RelationKind::View => "VIEW",
        RelationKind::MaterializedView => "MATERIALIZED VIEW",
        _ => return None,
    };
    let query = relation.view_definition.as_ref()?.trim_end().trim_end_matches(';');
    let name = relation.name.to_string();
    let columns: Vec<_> = relation.columns.iter().map(|column| quote_identifier(&column.name)).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let without_rows = if is_materialized(relation) { "\nWITH NO DATA" } else { "" };
    let create = format!("CREATE {kind} {name}{columns}{} AS {query}{without_rows}", options(&relation.options));
    Some(Step::one("relation", name, create))
}

/// Lets the planner read a materialized view that was never filled, which it refuses otherwise.
pub(super) fn populated(relation: &Relation) -> Option<Step> {
    let name = relation.name.to_string();
    let sql = format!(
        "UPDATE pg_catalog.pg_class SET relispopulated = true WHERE oid = {}::pg_catalog.regclass",
        quote_literal(&name)
    );
    is_materialized(relation).then(|| Step::one("relation", name, sql).by_superuser())
}

/// Rules, and triggers that make a view writable.
pub(super) fn rewriting(relation: &Relation) -> Vec<Step> {
    let name = relation.name.to_string();
    let rules = relation.declaration.rules.iter();
    let mut steps: Vec<Step> =
        rules.map(|rule| Step::one("rule", name.clone(), rule.trim_end().trim_end_matches(';').to_owned())).collect();
    if !relation.declaration.instead_of.is_empty() {
        let (function, create) = stubs::trigger_function(&relation.name.schema);
        let events = relation.declaration.instead_of.join(" OR ");
        let trigger = format!(
            "CREATE TRIGGER \"pgadvise instead of\" INSTEAD OF {events} ON {name} FOR EACH ROW EXECUTE FUNCTION {function}()"
        );
        steps.push(Step::exact("trigger", name, vec![create, trigger]));
    }
    steps
}
