//! Indexes, and the constraints that indexes enforce. Those of partitioned tables are made alone and their parts attached
//! afterwards, as pg_dump does it, because only that keeps every name.

use std::collections::BTreeMap;

use super::relations::named;
use super::step::Step;
use crate::pg::identifier::quote_literal;
use crate::pg::{Oid, RelationName, quote_identifier};
use crate::snapshot::{Constraint, Index, Relation, RelationKind};

/// The indexes of `relation`, each alone.
pub(super) fn steps(relation: &Relation) -> Vec<Step> {
    relation.indexes.iter().filter(|index| !is_made_by_parent(index)).map(|index| step(relation, index)).collect()
}

/// Whether its parent's statement makes it: the server attaches no index of an exclusion constraint.
fn is_made_by_parent(index: &Index) -> bool {
    index.is_exclusion && index.parent.is_some()
}

fn step(relation: &Relation, index: &Index) -> Step {
    let constraint = relation.constraints.iter().find(|constraint| constraint.index == Some(index.oid));
    let statements = match constraint {
        Some(constraint) => of_constraint(relation, index, constraint),
        None => vec![create(relation, index)],
    };
    Step::exact("index", name(relation, index).to_string(), statements)
}

fn name(relation: &Relation, index: &Index) -> RelationName {
    RelationName::new(relation.name.schema.clone(), index.name.clone())
}

fn create(relation: &Relation, index: &Index) -> String {
    let unique = if index.definition.is_unique { "UNIQUE " } else { "" };
    let only = if relation.kind == RelationKind::PartitionedTable { "ONLY " } else { "" };
    let own = quote_identifier(&index.name);
    format!(
        "CREATE {unique}INDEX {own} ON {only}{} {}",
        relation.name,
        index.definition.body_with_options(&index.options)
    )
}

/// The constraint, which makes an index of its own name; its storage parameters go a way of their own.
fn of_constraint(relation: &Relation, index: &Index, constraint: &Constraint) -> Vec<String> {
    let Some(definition) = named(constraint) else { return vec![create(relation, index)] };
    let only = if index.is_exclusion { "" } else { "ONLY " };
    let mut statements = vec![format!("ALTER TABLE {only}{} ADD {definition}", relation.name)];
    if !index.options.is_empty() {
        let options = super::relations::options(&index.options);
        let options = options.trim_start_matches(" WITH ");
        statements.push(format!("ALTER INDEX {} SET {options}", name(relation, index)));
    }
    statements
}

/// Attaches the indexes of partitions to those of their parents, and names those that their parents made.
pub(super) fn attachments(relations: &[&Relation]) -> Vec<Step> {
    let all = || relations.iter().flat_map(|relation| relation.indexes.iter().map(|index| (*relation, index)));
    let names: BTreeMap<Oid, RelationName> =
        all().map(|(relation, index)| (index.oid, name(relation, index))).collect();
    all()
        .filter_map(|(relation, index)| {
            let parent = names.get(&index.parent?)?;
            let own = name(relation, index);
            let sql = if is_made_by_parent(index) {
                rename_part(relation, index, parent)
            } else {
                format!("ALTER INDEX {parent} ATTACH PARTITION {own}")
            };
            Some(Step::one("index", own.to_string(), sql))
        })
        .collect()
}

/// Gives the part of `parent` on `relation` the name that it has.
fn rename_part(relation: &Relation, index: &Index, parent: &RelationName) -> String {
    let (name, on, of) =
        (quote_literal(&index.name), quote_literal(&relation.name.to_string()), quote_literal(&parent.to_string()));
    let rename = format!(
        "DECLARE made regclass; is_named boolean;
         BEGIN
             SELECT i.indexrelid, c.relname = {name} INTO STRICT made, is_named
             FROM pg_index AS i
             JOIN pg_class AS c ON c.oid = i.indexrelid
             JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid
             WHERE i.indrelid = {on}::regclass AND h.inhparent = {of}::regclass;
             IF NOT is_named THEN EXECUTE format('ALTER INDEX %s RENAME TO %I', made, {name}); END IF;
         END"
    );
    format!("DO {}", quote_literal(&rename).trim_start())
}

/// Gives indexes that are not usable the flags that they have.
pub(super) fn flags(relation: &Relation) -> Vec<Step> {
    let unusable = relation.indexes.iter().filter(|index| !(index.is_valid && index.is_ready && index.is_live));
    unusable
        .map(|index| {
            let own = name(relation, index).to_string();
            let sql = format!(
                "UPDATE pg_catalog.pg_index SET indisvalid = {}, indisready = {}, indislive = {} \
                 WHERE indexrelid = {}::pg_catalog.regclass",
                index.is_valid,
                index.is_ready,
                index.is_live,
                quote_literal(&own)
            );
            Step::one("index", own, sql).by_superuser()
        })
        .collect()
}
