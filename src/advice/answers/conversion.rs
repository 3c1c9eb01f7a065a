//! Comparisons that convert the column first, so that no index on it answers them: read off a plan's filter.

use std::sync::LazyLock;

use regex::Regex;

use crate::pg::quote_identifier;
use crate::snapshot::{Column, Relation};
use crate::sql::Scan;

/// `(orders.code)::numeric`, as EXPLAIN prints a cast of a column.
static CAST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\((?:(?:\w+|"[^"]+")\.)?(?<column>\w+|"(?:[^"]|"")+")\)::(?<type>[a-z_]\w*(?: [a-z]+)*)"#).ok()
});

/// The compared column of `asked` that `filter` converts, and the type that it is converted into.
pub fn converted<'r, 'f>(relation: &'r Relation, asked: &Scan, filter: &'f str) -> Option<(&'r Column, &'f str)> {
    let compared = |name: &str| {
        let mut quals = asked.quals.iter();
        quals.any(|qual| {
            (qual.comparison.is_equality() || qual.comparison.is_range()) && qual.target.column() == Some(name)
        })
    };
    CAST.as_ref()?.captures_iter(filter).find_map(|cast| {
        let (name, into) = (cast.name("column")?.as_str(), cast.name("type")?.as_str());
        let column = relation.columns.iter().find(|column| quote_identifier(&column.name) == name)?;
        (compared(&column.name) && !is_relabelled(column, into)).then_some((column, into))
    })
}

/// Whether the cast changes nothing (`pg_cast`, binary coercible), so that the index serves all the same.
fn is_relabelled(column: &Column, into: &str) -> bool {
    into == "text" && matches!(column.base_type.name.as_str(), "varchar" | "text" | "name")
}
