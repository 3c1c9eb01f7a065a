//! From what a scan asks to lists of key columns: equalities, then the order or one range. Knows nothing of sizes and prices.

use crate::pg::{IndexColumn, KeyRoles};

use super::access::{Access, Equality};

/// Key columns at most. Four distinct columns already tell apart more rows than any relation holds, unless they are
/// correlated; the planner's price decides whether the last ones stay.
pub const KEY_COLUMNS_MAX: usize = 4;

/// Rows that the leading equalities may leave for a further key column to be pointless: they are fetched anyway.
const ROWS_ENOUGH: f64 = 2.0;

/// The share of rows that the distinct values of a column must reach for an equality on it to find about one row.
const NEARLY_UNIQUE: f64 = 0.9;

/// Equalities that are tried alone before an order or a range, the first ones by their rank.
const ALONE_MAX: usize = 3;

/// Key columns, and what they are for.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyList {
    /// The key columns.
    pub keys: Vec<IndexColumn>,
    /// What they are for.
    pub roles: KeyRoles,
}

/// Every list of key columns that serves `access`, the fullest use of it first.
pub fn key_lists(access: &Access<'_>) -> Vec<KeyList> {
    let mut lists = Lists::default();
    if let Some(unique) = access.equalities.iter().find(|equality| finds_one_row(access, equality)) {
        lists.push([unique], &[], false);
        return lists.0;
    }
    let all: Vec<&Equality> = useful_prefix(access, access.equalities.iter());
    let single: Vec<&Equality> = useful_prefix(access, access.equalities.iter().filter(|equality| equality.is_single));

    for sorted in ordered_tails(access) {
        lists.push(single.iter().copied(), &sorted, true);
        for alone in single.iter().take(ALONE_MAX) {
            lists.push([*alone], &sorted, true);
        }
        lists.push([], &sorted, true);
    }
    for range in &access.ranges {
        lists.push(all.iter().copied(), std::slice::from_ref(range), false);
        for alone in all.iter().take(ALONE_MAX) {
            lists.push([*alone], std::slice::from_ref(range), false);
        }
        lists.push([], std::slice::from_ref(range), false);
    }
    if !all.is_empty() && !access.group.is_empty() {
        lists.push(all.iter().copied(), &access.group, true);
    }
    for n in (1..=all.len()).rev() {
        lists.push(all[..n].iter().copied(), &[], false);
    }
    for alone in &access.equalities {
        lists.push([alone], &[], false);
    }
    lists.0
}

/// The lists of keys that are read in order: ORDER BY, row comparisons, extremes.
fn ordered_tails(access: &Access<'_>) -> Vec<Vec<IndexColumn>> {
    let mut tails = Vec::new();
    if !access.order.is_empty() {
        tails.push(access.order.clone());
    }
    for row in &access.rows {
        let is_ordered =
            row.len() <= access.order.len() && row.iter().zip(&access.order).all(|(a, b)| a.target == b.target);
        if !is_ordered {
            tails.push(row.clone());
        }
    }
    tails.extend(access.extremes.iter().map(|extreme| vec![extreme.clone()]));
    tails
}

/// The equalities up to the point where so few rows are left that the next one adds nothing.
fn useful_prefix<'e>(access: &Access<'_>, equalities: impl Iterator<Item = &'e Equality>) -> Vec<&'e Equality> {
    let mut n_rows_left = access.extent.n_rows;
    let mut prefix = Vec::new();
    for equality in equalities.take(KEY_COLUMNS_MAX) {
        if n_rows_left.is_some_and(|n_rows| n_rows <= ROWS_ENOUGH) && !prefix.is_empty() {
            break;
        }
        n_rows_left = n_rows_left.zip(equality.n_distinct).map(|(n_rows, n_distinct)| n_rows / n_distinct.max(1.0));
        prefix.push(equality);
    }
    prefix
}

/// Whether one value of this equality is held by about one row, by the statistics.
fn finds_one_row(access: &Access<'_>, equality: &Equality) -> bool {
    equality
        .n_distinct
        .zip(access.extent.n_rows)
        .is_some_and(|(n_distinct, n_rows)| n_rows >= 1.0 && n_distinct >= NEARLY_UNIQUE * n_rows)
}

#[derive(Default)]
struct Lists(Vec<KeyList>);

impl Lists {
    fn push<'e>(&mut self, equalities: impl IntoIterator<Item = &'e Equality>, tail: &[IndexColumn], is_ordered: bool) {
        let mut keys: Vec<IndexColumn> = equalities.into_iter().map(|equality| equality.key.clone()).collect();
        let room = KEY_COLUMNS_MAX.saturating_sub(tail.len());
        keys.truncate(room);
        let n_equality = keys.len();
        for key in tail {
            if !keys.iter().any(|known| known.target == key.target) {
                keys.push(key.clone());
            }
        }
        keys.truncate(KEY_COLUMNS_MAX);
        let list = KeyList { keys, roles: KeyRoles { n_equality, is_ordered: is_ordered && !tail.is_empty() } };
        if !list.keys.is_empty() && !self.0.iter().any(|known| known.keys == list.keys) {
            self.0.push(list);
        }
    }
}
