//! ORs over several columns: one index for each arm, and only all of them together are of use (BitmapOr).

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, KeyRoles};
use crate::snapshot::Server;
use crate::sql::{OrArm, Scan};

use super::access::Access;
use super::keys::{KEY_COLUMNS_MAX, key_lists};
use super::search_keys::{Operators, Search};

/// Arms at most: a bitmap of more indexes is rarely better than one scan, and nobody maintains nine indexes for an OR.
const ARMS_MAX: usize = 4;

/// The index that finds the rows of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// What it is.
    pub definition: IndexDefinition,
    /// What its key columns are for.
    pub roles: KeyRoles,
}

/// For each disjunction the indexes, one for each arm, that serve it together; as other ways, with the scan's own
/// equalities before each arm's keys, and one GIN index over the columns of all arms. A single index where all arms
/// have the same.
pub fn sets(access: &Access<'_>, scan: &Scan, server: &Server, workload: &Operators) -> Vec<Vec<Arm>> {
    let mut sets = Vec::new();
    for arms in scan.or_groups.iter().filter(|arms| arms.len() >= 2 && arms.len() <= ARMS_MAX) {
        let Some(mut indexes) =
            arms.iter().map(|arm| index_of(access, arm, server, workload)).collect::<Option<Vec<Arm>>>()
        else {
            continue;
        };
        indexes.dedup();
        let led: Vec<Arm> = indexes.iter().map(|arm| led_by_equalities(access, arm)).collect();
        if led != indexes && led.len() > 1 {
            sets.push(led);
        }
        sets.extend(over_all_columns(&indexes));
        sets.push(indexes);
    }
    sets
}

/// The index for one arm by its own quals, the btree with the most key columns if there is one; `None` when no index
/// finds its rows.
fn index_of(access: &Access<'_>, arm: &OrArm, server: &Server, workload: &Operators) -> Option<Arm> {
    let mut own = access.clone();
    own.equalities.clear();
    own.ranges.clear();
    own.order.clear();
    own.rows.clear();
    own.group.clear();
    own.extremes.clear();
    for qual in arm {
        own.add_qual(qual);
    }
    let btree = key_lists(&own).into_iter().max_by_key(|list| list.keys.len());
    let search = Search::of(arm, &[], None);
    let searched = || search.indexes(access.relation, server, workload).definitions.into_iter().next();
    match btree {
        Some(list) => Some(Arm { definition: IndexDefinition::btree(list.keys), roles: list.roles }),
        None => searched().map(|definition| Arm { definition, roles: KeyRoles::default() }),
    }
}

fn led_by_equalities(access: &Access<'_>, arm: &Arm) -> Arm {
    let keys = &arm.definition.key_columns;
    if arm.definition.access_method != AccessMethod::Btree {
        return arm.clone();
    }
    let mut led: Vec<IndexColumn> = access
        .equalities
        .iter()
        .filter(|equality| equality.is_single)
        .map(|equality| equality.key.clone())
        .filter(|key| !keys.iter().any(|own| own.target == key.target))
        .take(KEY_COLUMNS_MAX.saturating_sub(keys.len()))
        .collect();
    let n_equality = led.len() + arm.roles.n_equality;
    led.extend(keys.iter().cloned());
    Arm { definition: IndexDefinition::btree(led), roles: KeyRoles { n_equality, is_ordered: false } }
}

/// One GIN index over what the GIN indexes of several arms are over: each arm searches it by its own column.
fn over_all_columns(indexes: &[Arm]) -> Option<Vec<Arm>> {
    let is_gin = |arm: &Arm| arm.definition.access_method == AccessMethod::Gin;
    if indexes.len() < 2 || !indexes.iter().all(is_gin) {
        return None;
    }
    let mut key_columns: Vec<IndexColumn> = Vec::new();
    for key in indexes.iter().flat_map(|arm| &arm.definition.key_columns) {
        if !key_columns.contains(key) {
            key_columns.push(key.clone());
        }
    }
    key_columns.truncate(KEY_COLUMNS_MAX);
    Some(vec![Arm {
        definition: IndexDefinition { key_columns, ..indexes[0].definition.clone() },
        ..indexes[0].clone()
    }])
}
