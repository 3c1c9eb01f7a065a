//! ORs over several columns: one index for each arm, and only all of them together are of use (BitmapOr).

use crate::pg::{IndexColumn, KeyRoles};
use crate::sql::{OrArm, Scan};

use super::access::Access;
use super::keys::{KEY_COLUMNS_MAX, KeyList, key_lists};

/// Arms at most: a bitmap of more indexes is rarely better than one scan, and nobody maintains nine indexes for an OR.
const ARMS_MAX: usize = 4;

/// For each disjunction the key lists, one for each arm, that serve it together; with the scan's own equalities before
/// each arm's keys as a second way.
pub fn key_sets(access: &Access<'_>, scan: &Scan) -> Vec<Vec<KeyList>> {
    let mut sets = Vec::new();
    for arms in scan.or_groups.iter().filter(|arms| arms.len() >= 2 && arms.len() <= ARMS_MAX) {
        let Some(lists) = arms.iter().map(|arm| arm_keys(access, arm)).collect::<Option<Vec<KeyList>>>() else {
            continue;
        };
        if lists.iter().all(|list| list == &lists[0]) {
            continue;
        }
        let led: Vec<KeyList> = lists.iter().map(|list| led_by_equalities(access, list)).collect();
        if led != lists {
            sets.push(led);
        }
        sets.push(lists);
    }
    sets
}

/// The fullest key list of one arm by its own quals; `None` when no index finds its rows.
fn arm_keys(access: &Access<'_>, arm: &OrArm) -> Option<KeyList> {
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
    key_lists(&own).into_iter().max_by_key(|list| list.keys.len())
}

fn led_by_equalities(access: &Access<'_>, list: &KeyList) -> KeyList {
    let mut keys: Vec<IndexColumn> = access
        .equalities
        .iter()
        .filter(|equality| equality.is_single)
        .map(|equality| equality.key.clone())
        .filter(|key| !list.keys.iter().any(|own| own.target == key.target))
        .take(KEY_COLUMNS_MAX.saturating_sub(list.keys.len()))
        .collect();
    let n_equality = keys.len() + list.roles.n_equality;
    keys.extend(list.keys.iter().cloned());
    KeyList { keys, roles: KeyRoles { n_equality, is_ordered: false } }
}
