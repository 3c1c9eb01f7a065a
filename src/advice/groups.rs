//! Steps that are the same in several schemas, as where each tenant has one. Brings them together; changes none.

use std::collections::BTreeMap;

use super::{Action, Step};
use crate::pg::{KeyRoles, covers};
use crate::snapshot::{Catalog, Relation};

/// Whether both steps are the same but for their schemas.
fn are_same(a: &Step, b: &Step) -> bool {
    key(a) == key(b) && a.index == b.index
}

/// What the same steps have in common, beside the index.
fn key(step: &Step) -> (Action, &str, &str) {
    (step.action, &step.relation.name, &step.id)
}

/// The steps, those that are the same one after another. What creates keeps the largest gain first, now of all that are
/// the same together; what drops keeps its order.
pub fn brought_together(steps: Vec<Step>) -> Vec<Step> {
    let mut groups: Vec<Vec<Step>> = Vec::new();
    let mut by_key: BTreeMap<(Action, String, String), Vec<usize>> = BTreeMap::new();
    for step in steps {
        let (action, relation, id) = key(&step);
        let known = by_key.entry((action, relation.to_owned(), id.to_owned())).or_default();
        match known.iter().find(|position| are_same(&groups[**position][0], &step)) {
            Some(position) => groups[*position].push(step),
            None => {
                known.push(groups.len());
                groups.push(vec![step]);
            }
        }
    }
    let gain = |group: &Vec<Step>| match group[0].action {
        Action::CreateIndex => group.iter().map(|step| step.cost_before - step.cost_after).sum(),
        Action::DropIndex => 0.0,
    };
    groups.sort_by(|a, b| a[0].action.cmp(&b[0].action).then(gain(b).total_cmp(&gain(a))));
    groups.into_iter().flatten().collect()
}

/// The steps as they were brought together: each slice is the same in as many schemas as it has steps.
pub fn groups(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    steps.chunk_by(are_same)
}

/// Of steps that create the same in several schemas: the schemas whose relation of that name has no index that does the
/// same and gets none, by name. Nothing was seen there that asks for it.
pub fn schemas_without<'s>(catalog: &Catalog<'s>, group: &[Step]) -> Vec<&'s str> {
    let Some(first) = group.first().filter(|first| group.len() > 1 && first.action == Action::CreateIndex) else {
        return Vec::new();
    };
    let has_columns = |relation: &&Relation| {
        first.index.key_column_names().all(|name| relation.columns.iter().any(|column| column.name == name))
    };
    let as_it_is = KeyRoles { n_equality: 0, is_ordered: true };
    let is_without = |relation: &&Relation| {
        group.iter().all(|step| step.relation.schema != relation.name.schema)
            && !relation
                .indexes
                .iter()
                .any(|index| index.is_usable() && covers(&index.definition, &first.index, as_it_is))
    };
    let relations = catalog.find_in_any_schema(&first.relation.name).into_iter();
    let mut schemas: Vec<&str> = relations
        .filter(|relation| relation.is_indexable() && has_columns(relation) && is_without(relation))
        .map(|relation| relation.name.schema.as_str())
        .collect();
    schemas.sort_unstable();
    schemas
}
