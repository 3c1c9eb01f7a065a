//! A plan → the shape of its statement, for texts that the parser cannot read: the server has resolved every name, and
//! prints each condition in full. Plans are written back as a SELECT, which `sql` then reads like any other.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::PlanScan;
use super::{Node, Plan};
use crate::pg::{Oid, quote_identifier};
use crate::snapshot::{Catalog, Relation};
use crate::sql::tokens::significant_tokens;
use crate::sql::{self, ParameterUse, Shape, StatementKind};

/// The shape of the statement that `plan` is of. Joins are taken as inner ones, and what the planner folded away is
/// not in it. `None` when it reads relations that the catalog does not have.
pub fn shape(plan: &Plan, catalog: &Catalog<'_>) -> Option<Shape> {
    let kind = kind(&plan.root);
    let select = Select::of(plan, catalog)?;
    if select.relations.is_empty() {
        return Some(Shape { kind, scans: Vec::new(), joins: Vec::new(), is_from_plan: true });
    }
    let mut shape = sql::shape(&select.text(), catalog).ok()?;
    shape.kind = kind;
    shape.is_from_plan = true;
    let target = plan.visits().iter().find_map(|visit| modified(visit.node));
    for scan in shape.scans.iter_mut().filter(|scan| Some(scan.alias.as_str()) == target) {
        scan.is_target = true;
        scan.needs_whole_row = true;
    }
    Some(shape)
}

/// Where the parameters of a generic plan stand, by number.
pub fn parameters(plan: &Plan, catalog: &Catalog<'_>) -> BTreeMap<u32, ParameterUse> {
    let uses = Select::of(plan, catalog).and_then(|select| sql::parameters(&select.text(), catalog).ok());
    uses.into_iter().flatten().map(|parameter| (parameter.number, parameter)).collect()
}

/// A plan written back.
struct Select {
    /// What the topmost node returns.
    columns: Vec<String>,
    /// `schema.relation alias`.
    relations: Vec<String>,
    conditions: Vec<String>,
    order: Vec<String>,
}

impl Select {
    /// `None` when a relation is not in the catalog.
    fn of(plan: &Plan, catalog: &Catalog<'_>) -> Option<Self> {
        let mut select = Self { columns: Vec::new(), relations: Vec::new(), conditions: Vec::new(), order: Vec::new() };
        let scans = plan.scans();
        let repeated = repeated_partitions(&scans, catalog);
        let is_system =
            |scan: &&PlanScan<'_>| matches!(scan.node.schema.as_deref(), Some("pg_catalog" | "information_schema"));
        for scan in scans.iter().filter(|scan| !is_system(scan) && !repeated.contains(scan.alias)) {
            let name = &root_of(relation_of(scan, catalog)?, catalog)?.name;
            select.relations.push(format!("{name} {}", quote_identifier(scan.alias)));
        }
        let conditions = plan.visits().into_iter().flat_map(|visit| conditions(visit.node));
        let conditions: BTreeSet<String> = conditions.flat_map(conjuncts).collect();
        // What names a repeated partition, a subplan or a CTE cannot be resolved, and says nothing of a relation.
        select.conditions =
            conditions.into_iter().filter(|part| select.resolves(&format!("WHERE {part}"), catalog)).collect();
        let sorts = plan.sorts();
        if let [sort] = sorts.as_slice()
            && sort.input_scan.is_some()
        {
            let keys = sort.node.sort_key.clone();
            select.order =
                if select.resolves(&format!("ORDER BY {}", keys.join(", ")), catalog) { keys } else { Vec::new() };
        }
        // An Append returns what its children do, and does not say so. What is written is another matter: 13 carries
        // the whole row there, later versions the changed columns.
        let visits = plan.visits();
        let returning = visits.iter().map(|visit| visit.node).find(|node| !node.output.is_empty());
        let returning = returning.filter(|_| plan.root.operation.is_none());
        let outputs = returning.into_iter().flat_map(|node| &node.output).map(|output| by_partition(output, &scans));
        select.columns = outputs.filter(|output| select.reads(output, catalog)).collect();
        Some(select)
    }

    fn text(&self) -> String {
        let columns = if self.columns.is_empty() { "1".to_owned() } else { self.columns.join(", ") };
        let mut text = format!("SELECT {columns} FROM {}", self.relations.join(", "));
        if !self.conditions.is_empty() {
            text.push_str(&format!(" WHERE {}", self.conditions.join(" AND ")));
        }
        if !self.order.is_empty() {
            text.push_str(&format!(" ORDER BY {}", self.order.join(", ")));
        }
        text
    }

    fn resolves(&self, clause: &str, catalog: &Catalog<'_>) -> bool {
        !self.relations.is_empty()
            && sql::shape(&format!("SELECT 1 FROM {} {clause}", self.relations.join(", ")), catalog).is_ok()
    }

    fn reads(&self, expression: &str, catalog: &Catalog<'_>) -> bool {
        !self.relations.is_empty()
            && sql::shape(&format!("SELECT {expression} FROM {}", self.relations.join(", ")), catalog).is_ok()
    }
}

fn kind(root: &Node) -> StatementKind {
    match root.operation.as_deref() {
        Some("Insert") => StatementKind::Insert,
        Some("Update") => StatementKind::Update,
        Some("Delete") => StatementKind::Delete,
        Some("Merge") => StatementKind::Merge,
        _ => StatementKind::Select,
    }
}

/// The alias of the relation that an Update, Delete or Merge changes.
fn modified(node: &Node) -> Option<&str> {
    let changes = matches!(node.operation.as_deref(), Some("Update" | "Delete" | "Merge"));
    node.alias.as_deref().filter(|_| changes)
}

fn relation_of<'s>(scan: &PlanScan<'_>, catalog: &Catalog<'s>) -> Option<&'s Relation> {
    catalog.find(scan.node.schema.as_deref(), scan.relation_name)
}

fn root_of<'s>(relation: &'s Relation, catalog: &Catalog<'s>) -> Option<&'s Relation> {
    catalog.relation(catalog.partition_root(relation.oid))
}

/// The aliases of all partitions but the first of each scan of a partitioned table: EXPLAIN names them by the
/// table's alias and a number.
fn repeated_partitions<'p>(scans: &[PlanScan<'p>], catalog: &Catalog<'_>) -> BTreeSet<&'p str> {
    let mut seen: BTreeSet<(Oid, &str)> = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for scan in scans {
        let Some(relation) = relation_of(scan, catalog).filter(|relation| relation.is_partition) else { continue };
        let stem = scan.alias.trim_end_matches(|c: char| c.is_ascii_digit());
        if !seen.insert((catalog.partition_root(relation.oid), stem)) {
            repeated.insert(scan.alias);
        }
    }
    repeated
}

/// `output` with the alias of the first partition in the place of the partitioned table's, which has no scan.
fn by_partition(output: &str, scans: &[PlanScan<'_>]) -> String {
    let is_known = |alias: &str| scans.iter().any(|scan| scan.alias == alias);
    let mut output = output.to_owned();
    for scan in scans {
        let Some(stem) = scan.alias.strip_suffix("_1").filter(|stem| !is_known(stem)) else { continue };
        output = output.replace(&format!("{}.", quote_identifier(stem)), &format!("{}.", quote_identifier(scan.alias)));
    }
    output
}

fn conditions(node: &Node) -> impl Iterator<Item = &str> {
    [&node.index_cond, &node.filter, &node.join_filter, &node.hash_cond, &node.merge_cond]
        .into_iter()
        .filter_map(|cond| cond.as_deref())
}

/// The parts of a condition that are joined by AND. The server prints BETWEEN as two comparisons and puts every
/// operation in parentheses, so that an AND outside of them joins conditions.
pub(crate) fn conjuncts(condition: &str) -> Vec<String> {
    let inner = unwrapped(condition);
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for token in significant_tokens(inner) {
        depth += usize::from(token.is_mark(inner, "("));
        depth = depth.saturating_sub(usize::from(token.is_mark(inner, ")")));
        if depth == 0 && token.is_word(inner, "AND") {
            parts.push(inner[start..token.range.start].trim());
            start = token.range.end;
        }
    }
    if parts.is_empty() {
        return vec![format!("({inner})")];
    }
    parts.push(inner[start..].trim());
    parts.into_iter().flat_map(conjuncts).collect()
}

/// `condition` without a pair of parentheses around all of it.
fn unwrapped(condition: &str) -> &str {
    let tokens = significant_tokens(condition);
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        depth += usize::from(token.is_mark(condition, "("));
        depth = depth.saturating_sub(usize::from(token.is_mark(condition, ")")));
        if depth == 0 && at + 1 < tokens.len() {
            return condition;
        }
    }
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) if tokens.len() > 2 && first.is_mark(condition, "(") => {
            condition[first.range.end..last.range.start].trim()
        }
        _ => condition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_taken_apart_at_every_and_that_joins_them() {
        assert_eq!(
            conjuncts("((a.x = 'p AND q'::text) AND ((a.y >= 1) AND (a.z < f(2))) AND a.w)"),
            ["(a.x = 'p AND q'::text)", "(a.y >= 1)", "(a.z < f(2))", "(a.w)"]
        );
        assert_eq!(conjuncts("((a.x = 1) OR ((a.y = 2) AND (a.z = 3)))"), ["((a.x = 1) OR ((a.y = 2) AND (a.z = 3)))"]);
        assert_eq!(conjuncts("(a.x)"), ["(a.x)"]);
    }
}
