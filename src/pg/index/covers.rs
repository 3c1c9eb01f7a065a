//! Whether one index serves everything that another would. Compares definitions only: whether the serving index is
//! valid, and whether the other one enforces a constraint, is for the caller to ask.

use super::{IndexColumn, IndexDefinition};
use crate::pg::AccessMethod;

/// What the key columns of a wanted index are there for. The order of columns matters only where it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRoles {
    /// How many leading key columns are compared for equality. Among these, any order serves.
    pub n_equality: usize,
    /// Whether the key columns after those are read in order (ORDER BY, row comparisons, min and max), so that
    /// directions and NULLS count; a range needs neither.
    pub is_ordered: bool,
}

impl KeyRoles {
    /// All key columns are compared for equality.
    pub fn equality(n_equality: usize) -> Self {
        Self { n_equality, is_ordered: false }
    }
}

/// Whether `existing` serves every scan that `wanted`, with these roles of its key columns, would serve.
///
/// The rule is the manual's (Multicolumn Indexes): equality constraints on the leading columns, then inequality
/// constraints on the first column without one. A btree is read in both directions, so all directions may be flipped.
pub fn covers(existing: &IndexDefinition, wanted: &IndexDefinition, roles: KeyRoles) -> bool {
    if wanted.is_unique && !enforces(existing, wanted) {
        return false;
    }
    if !has_predicate_for(existing, wanted) || !carries_columns_of(existing, wanted) {
        return false;
    }
    match (&existing.access_method, &wanted.access_method) {
        (AccessMethod::Btree, AccessMethod::Btree) => keys_cover(existing, wanted, roles),
        // Both find one value; a hash index can do nothing else.
        (AccessMethod::Btree, AccessMethod::Hash) => leads_with_all(existing, wanted, wanted.key_columns.len()),
        (AccessMethod::Hash, AccessMethod::Btree) => {
            roles.n_equality == wanted.key_columns.len()
                && wanted.key_columns.len() == 1
                && leads_with_all(existing, wanted, 1)
        }
        (a, b) if a == b => {
            let serves = |other: &IndexColumn, key: &IndexColumn| is_same_key(other, key) || is_wider_class(other, key);
            wanted.key_columns.iter().all(|key| existing.key_columns.iter().any(|other| serves(other, key)))
        }
        _ => false,
    }
}

/// Whether two indexes are the same but for their names: one of them is maintained for nothing.
pub fn is_duplicate(a: &IndexDefinition, b: &IndexDefinition) -> bool {
    a.access_method == b.access_method
        && a.is_unique == b.is_unique
        && a.nulls_not_distinct == b.nulls_not_distinct
        && a.predicate == b.predicate
        && a.key_columns.len() == b.key_columns.len()
        && has_key_prefix(a, b)
        && is_same_set(&a.included_columns, &b.included_columns)
}

/// Whether `wide` makes `narrow` redundant: everything that `narrow` does, `wide` does too.
///
/// A unique index is never redundant, because it enforces something. A partial index is redundant only to one with
/// the same predicate: it is smaller than a full one, and was made for that.
pub fn makes_redundant(wide: &IndexDefinition, narrow: &IndexDefinition) -> bool {
    let is_same_method = wide.access_method == narrow.access_method;
    let keeps_prefix = match wide.access_method {
        AccessMethod::Btree => has_key_prefix(wide, narrow),
        _ => wide.key_columns == narrow.key_columns,
    };
    !narrow.is_unique
        && is_same_method
        && keeps_prefix
        && wide.predicate == narrow.predicate
        && carries_columns_of(wide, narrow)
}

/// Whether `existing` enforces the uniqueness that `wanted` does.
fn enforces(existing: &IndexDefinition, wanted: &IndexDefinition) -> bool {
    existing.is_unique
        && existing.nulls_not_distinct == wanted.nulls_not_distinct
        && existing.predicate == wanted.predicate
        && existing.key_columns.len() == wanted.key_columns.len()
        && leads_with_all(existing, wanted, wanted.key_columns.len())
}

fn has_predicate_for(existing: &IndexDefinition, wanted: &IndexDefinition) -> bool {
    existing.predicate.is_none() || existing.predicate == wanted.predicate
}

/// Whether an index-only scan of `wanted` finds all its columns in `existing` too.
fn carries_columns_of(existing: &IndexDefinition, wanted: &IndexDefinition) -> bool {
    wanted.included_columns.iter().all(|column| {
        existing.included_columns.contains(column) || existing.key_column_names().any(|name| name == column)
    })
}

fn keys_cover(existing: &IndexDefinition, wanted: &IndexDefinition, roles: KeyRoles) -> bool {
    let n_keys = wanted.key_columns.len();
    let n_equality = roles.n_equality.min(n_keys);
    if existing.key_columns.len() < n_keys || !leads_with_all(existing, wanted, n_equality) {
        return false;
    }
    let there = &existing.key_columns[n_equality..n_keys];
    let asked = &wanted.key_columns[n_equality..];
    let is_same_order = there.iter().zip(asked).all(|(a, b)| is_same_key(a, b));
    is_same_order && (!roles.is_ordered || reads_in_order(there, asked))
}

/// Whether the first `n` key columns of `wanted` are the first `n` of `existing`, in any order.
fn leads_with_all(existing: &IndexDefinition, wanted: &IndexDefinition, n: usize) -> bool {
    let (Some(there), Some(asked)) = (existing.key_columns.get(..n), wanted.key_columns.get(..n)) else {
        return false;
    };
    asked.iter().all(|key| there.iter().any(|other| is_same_key(other, key)))
}

/// Whether `narrow`'s key columns are the first of `wide`'s, all in the same direction or all flipped.
fn has_key_prefix(wide: &IndexDefinition, narrow: &IndexDefinition) -> bool {
    let Some(there) = wide.key_columns.get(..narrow.key_columns.len()) else { return false };
    there.iter().zip(&narrow.key_columns).all(|(a, b)| is_same_key(a, b)) && reads_in_order(there, &narrow.key_columns)
}

/// Whether a scan of `there`, forwards or backwards, returns rows in the order of `asked`.
fn reads_in_order(there: &[IndexColumn], asked: &[IndexColumn]) -> bool {
    let is_forwards =
        |(a, b): (&IndexColumn, &IndexColumn)| (a.descending, a.nulls_first) == (b.descending, b.nulls_first);
    let is_backwards =
        |(a, b): (&IndexColumn, &IndexColumn)| (a.descending, a.nulls_first) == (!b.descending, !b.nulls_first);
    there.iter().zip(asked).all(is_forwards) || there.iter().zip(asked).all(is_backwards)
}

/// The same target, operator class and collation; direction apart.
fn is_same_key(a: &IndexColumn, b: &IndexColumn) -> bool {
    a.target == b.target && a.collation == b.collation && operator_class(a) == operator_class(b)
}

/// Whether the class of `a`, jsonb's default for GIN, answers all that the class of `b` on the same target does.
fn is_wider_class(a: &IndexColumn, b: &IndexColumn) -> bool {
    a.target == b.target && a.opclass.is_none() && b.opclass.as_deref() == Some("jsonb_path_ops")
}

/// `text_pattern_ops` and `varchar_pattern_ops` are the same operator family under two names.
fn operator_class(key: &IndexColumn) -> Option<&str> {
    match key.opclass.as_deref() {
        Some("varchar_pattern_ops") => Some("text_pattern_ops"),
        other => other,
    }
}

fn is_same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::IndexTarget;

    fn index(keys: &str) -> IndexDefinition {
        IndexDefinition::btree(keys.split(',').map(|key| {
            let mut words = key.split(' ');
            let mut column = IndexColumn::from(words.next().unwrap_or_default());
            for word in words {
                match word {
                    "desc" => (column.descending, column.nulls_first) = (true, true),
                    "last" => column.nulls_first = false,
                    "first" => column.nulls_first = true,
                    opclass => column.opclass = Some(opclass.to_owned()),
                }
            }
            column
        }))
    }

    fn partial(keys: &str, predicate: &str) -> IndexDefinition {
        IndexDefinition { predicate: Some(predicate.to_owned()), ..index(keys) }
    }

    fn unique(keys: &str) -> IndexDefinition {
        IndexDefinition { is_unique: true, ..index(keys) }
    }

    fn with_method(access_method: AccessMethod, keys: &str) -> IndexDefinition {
        IndexDefinition { access_method, ..index(keys) }
    }

    fn including(keys: &str, included: &[&str]) -> IndexDefinition {
        IndexDefinition { included_columns: included.iter().map(ToString::to_string).collect(), ..index(keys) }
    }

    #[test]
    fn leading_equality_columns_are_a_set_and_the_tail_is_a_list() {
        for (existing, wanted, n_equality, is_ordered, covered) in [
            ("a", "a", 1, false, true),
            ("a,b", "a", 1, false, true),
            ("a,b", "b", 1, false, false),
            ("b,a", "a,b", 2, false, true),
            ("b,a,c", "a,b", 2, false, true),
            ("b,c,a", "a,b", 2, false, false),
            ("a", "a,b", 2, false, false),
            ("a,b,c", "a,c", 1, false, false),
            ("a,c", "a,c", 1, true, true),
            ("a,c desc", "a,c", 1, true, true),
            ("a desc,c", "a,c", 1, true, true),
            ("a,b desc", "a,b", 0, true, false),
            ("a desc,b desc", "a,b", 0, true, true),
            ("a desc,b", "a,b desc", 0, true, true),
            ("a", "a desc last", 0, true, false),
            ("a first", "a desc last", 0, true, true),
            ("a desc last", "a", 0, false, true),
            ("a text_pattern_ops", "a", 1, false, false),
            ("a varchar_pattern_ops", "a text_pattern_ops", 0, false, true),
        ] {
            let roles = KeyRoles { n_equality, is_ordered };
            assert_eq!(covers(&index(existing), &index(wanted), roles), covered, "({existing}) for ({wanted})");
        }
    }

    #[test]
    fn predicates_includes_and_uniqueness_count() {
        let one = KeyRoles::equality(1);
        assert!(covers(&index("a"), &partial("a", "b IS NULL"), one));
        assert!(!covers(&partial("a", "b IS NULL"), &index("a"), one));
        assert!(covers(&partial("a", "b IS NULL"), &partial("a", "b IS NULL"), one));
        assert!(!covers(&partial("a", "c IS NULL"), &partial("a", "b IS NULL"), one));
        assert!(!covers(&index("a"), &including("a", &["c"]), one));
        assert!(covers(&index("a,c"), &including("a", &["c"]), one));
        assert!(covers(&including("a", &["d", "c"]), &including("a", &["c"]), one));
        assert!(covers(&unique("a"), &index("a"), one));
        assert!(!covers(&index("a"), &unique("a"), one));
        assert!(!covers(&unique("a,b"), &unique("a"), one));
    }

    #[test]
    fn access_methods_serve_what_they_can() {
        let equality = KeyRoles::equality(1);
        let ordered = KeyRoles { n_equality: 0, is_ordered: true };
        assert!(covers(&with_method(AccessMethod::Hash, "a"), &index("a"), equality));
        assert!(!covers(&with_method(AccessMethod::Hash, "a"), &index("a"), ordered));
        assert!(covers(&index("a,b"), &with_method(AccessMethod::Hash, "a"), equality));
        assert!(!covers(&with_method(AccessMethod::Gin, "a"), &index("a"), equality));
        assert!(covers(&with_method(AccessMethod::Gin, "b,a"), &with_method(AccessMethod::Gin, "a"), equality));
    }

    #[test]
    fn an_expression_is_not_its_column() {
        let expression = IndexDefinition::btree([IndexTarget::Expression("lower(name)".into())]);
        assert!(!covers(&expression, &index("name"), KeyRoles::equality(1)));
        assert!(covers(&expression, &expression, KeyRoles::equality(1)));
    }

    #[test]
    fn duplicates_are_alike_in_all_but_the_name() {
        assert!(is_duplicate(&index("a,b"), &index("a,b")));
        assert!(is_duplicate(&index("a"), &index("a desc")));
        assert!(!is_duplicate(&index("a,b"), &index("b,a")));
        assert!(!is_duplicate(&index("a"), &unique("a")));
        assert!(!is_duplicate(&index("a"), &index("a text_pattern_ops")));
        assert!(!is_duplicate(&index("a"), &partial("a", "b IS NULL")));
        assert!(!is_duplicate(&index("a"), &including("a", &["b"])));
    }

    #[test]
    fn redundant_is_a_prefix_that_enforces_nothing() {
        assert!(makes_redundant(&index("a,b"), &index("a")));
        assert!(makes_redundant(&index("a desc,b"), &index("a")));
        assert!(makes_redundant(&unique("a"), &index("a")));
        assert!(!makes_redundant(&index("a,b"), &unique("a")));
        assert!(!makes_redundant(&index("a,b"), &index("b")));
        assert!(!makes_redundant(&index("b,a"), &index("a,b")));
        assert!(!makes_redundant(&index("a,b"), &partial("a", "c IS NULL")));
        assert!(!makes_redundant(&index("a,b"), &including("a", &["c"])));
        assert!(makes_redundant(&including("a,b", &["c"]), &including("a", &["c"])));
        assert!(!makes_redundant(&with_method(AccessMethod::Gist, "a,b"), &with_method(AccessMethod::Gist, "a")));
    }
}
