//! Reads the `CREATE STATISTICS` objects and the distinct combinations counted for them. Their expressions are read by
//! `definitions`, which waits for no lock.

use std::collections::BTreeMap;

use super::expression;
use super::query::{EXTENDED_DISTINCT, EXTENDED_DISTINCT_OWNED, EXTENDED_STATISTICS};
use crate::db::{Failure, Transaction};
use crate::pg::Oid;
use crate::snapshot::{Column, ExtendedStatistics};

/// An object whose columns are still numbers.
pub(super) struct ReadStatistics {
    pub oid: Oid,
    schema: String,
    name: String,
    columns: Vec<i16>,
    kinds: Vec<char>,
    /// `pg_ndistinct` as text: `{"1, 2": 100, "1, -1": 5}`.
    distinct: Option<String>,
}

impl ReadStatistics {
    /// Whether it has expressions, which are to be read apart.
    pub fn has_expressions(&self) -> bool {
        self.kinds.contains(&'e')
    }
}

/// The objects of `relations`. `can_read_data` says whether the role may read the data of those that it does not own.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    can_read_data: bool,
) -> Result<BTreeMap<Oid, Vec<ReadStatistics>>, Failure> {
    let rows = transaction.query(&EXTENDED_STATISTICS, &[&relations])?;
    let mut objects: BTreeMap<Oid, Vec<ReadStatistics>> = BTreeMap::new();
    if rows.is_empty() {
        return Ok(objects);
    }
    let query = if can_read_data { &EXTENDED_DISTINCT } else { &EXTENDED_DISTINCT_OWNED };
    let mut distinct: BTreeMap<Oid, String> = BTreeMap::new();
    for row in transaction.query(query, &[&relations])? {
        distinct.insert(row.get("oid")?, row.text("n_distinct")?);
    }
    for row in rows {
        let oid = row.get("oid")?;
        let object = ReadStatistics {
            oid,
            schema: row.text("schema")?,
            name: row.text("name")?,
            columns: row.get("columns")?,
            kinds: row.texts("kinds")?.iter().filter_map(|kind| kind.chars().next()).collect(),
            distinct: distinct.remove(&oid),
        };
        objects.entry(row.get("relation")?).or_default().push(object);
    }
    Ok(objects)
}

/// The object with names for its columns. `expressions` is the list that `pg_get_expr` wrote.
pub(super) fn resolve(read: ReadStatistics, columns: &[Column], expressions: Option<&str>) -> ExtendedStatistics {
    let name_of = |number: i16| columns.iter().find(|column| column.number == number).map(|column| column.name.clone());
    let expressions: Vec<String> = expressions
        .map(expression::split_list)
        .unwrap_or_default()
        .into_iter()
        .map(|sql| expression::without_outer_parentheses(sql).to_owned())
        .collect();
    // Negative numbers count the expressions: −1 is the first.
    let member = |number: i16| match usize::try_from(-i32::from(number) - 1) {
        Ok(position) => expressions.get(position).cloned(),
        Err(_) => name_of(number),
    };
    let n_distinct = read.distinct.as_deref().map(combinations).unwrap_or_default();
    let n_distinct = n_distinct
        .into_iter()
        .filter_map(|(numbers, count)| Some((numbers.into_iter().map(member).collect::<Option<Vec<_>>>()?, count)))
        .collect();
    ExtendedStatistics {
        schema: read.schema,
        name: read.name,
        columns: read.columns.iter().filter_map(|number| name_of(*number)).collect(),
        expressions: expressions.clone(),
        kinds: read.kinds,
        n_distinct,
    }
}

/// `{"1, 2": 100}` as attribute numbers and counts; what cannot be read is left out.
fn combinations(text: &str) -> Vec<(Vec<i16>, f64)> {
    let Ok(object) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) else {
        return Vec::new();
    };
    object
        .iter()
        .filter_map(|(key, count)| {
            let numbers: Option<Vec<i16>> = key.split(',').map(|number| number.trim().parse().ok()).collect();
            Some((numbers?, count.as_f64()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_read_in_the_servers_order() {
        assert_eq!(combinations("{\"2, 3\": 11, \"2, -1\": 5}"), [(vec![2, 3], 11.0), (vec![2, -1], 5.0)]);
        assert!(combinations("").is_empty());
        assert!(combinations("{\"a, b\": 1}").is_empty());
    }
}
